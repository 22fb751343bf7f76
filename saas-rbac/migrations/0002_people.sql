-- What the role of people may know of tenants: the names of those that one person belongs to.

set local role none;
grant create on schema saas_rbac to saas_admin;
set local role saas_admin;

create function saas_rbac.memberships_of(person uuid)
returns table (tenant_id uuid, slug text, name text, role_mask bigint) rows 10
language sql stable strict security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.tenant_id, t.slug, t.name, m.role_mask
    from saas_rbac.memberships m
    join saas_tenancy.tenants t on t.id = m.tenant_id
    where m.user_id = person and t.ready_at is not null and t.status <> 'deleting'
$$;
revoke all on function saas_rbac.memberships_of(uuid) from public;
grant execute on function saas_rbac.memberships_of(uuid) to saas_identity;

set local role none;
revoke create on schema saas_rbac from saas_admin;
