-- What the audit log of a tenant needs in the control plane. The log itself lives beside the
-- tenant's data; see saas-tenancy/src/migrate/sql/audit.sql.

grant usage on schema saas_tenancy to saas_control, saas_identity;
set local role saas_owner;

-- Entries about changes of the control plane. They are written with the change, and cannot commit
-- together with a row in the tenant's own home, so they wait here until they are relayed.
create table saas_tenancy.audit_pending (
    tenant_id uuid not null,
    id uuid not null,
    -- The whole entry, byte for byte as it will be hashed.
    entry text not null check (octet_length(entry) <= 131072),
    primary key (tenant_id, id),
    constraint audit_pending_of_tenant foreign key (tenant_id)
        references saas_tenancy.tenants (id) on delete cascade
);

-- How far each sink was told of each tenant's log.
create table saas_tenancy.audit_sinks (
    tenant_id uuid not null,
    sink text not null check (char_length(sink) between 1 and 100),
    seq bigint not null,
    primary key (tenant_id, sink),
    constraint audit_sinks_of_tenant foreign key (tenant_id)
        references saas_tenancy.tenants (id) on delete cascade
);

alter table saas_tenancy.audit_pending enable row level security;
alter table saas_tenancy.audit_pending force row level security;
create policy tenant_access on saas_tenancy.audit_pending for all to saas_app
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy tenant_floor on saas_tenancy.audit_pending as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table saas_tenancy.audit_sinks enable row level security;
alter table saas_tenancy.audit_sinks force row level security;
create policy tenant_access on saas_tenancy.audit_sinks for all to saas_app
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy tenant_floor on saas_tenancy.audit_sinks as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- Never updated: an entry is added by the function below, and removed when it is relayed.
grant select, delete on saas_tenancy.audit_pending to saas_app;
grant select, insert, delete on saas_tenancy.audit_pending to saas_admin;
grant select, insert, update on saas_tenancy.audit_sinks to saas_app, saas_admin;

-- Work on the control plane need not stand in a tenant's context to tell of what it did.
set local role none;
grant create on schema saas_tenancy to saas_admin;
set local role saas_admin;

create function saas_tenancy.append_audit(tenant uuid, id uuid, entry text) returns void
language sql volatile strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    insert into saas_tenancy.audit_pending (tenant_id, id, entry) values (tenant, id, entry)
$$;
revoke all on function saas_tenancy.append_audit(uuid, uuid, text) from public;
grant execute on function saas_tenancy.append_audit(uuid, uuid, text)
    to saas_app, saas_control, saas_identity;

set local role none;
revoke create on schema saas_tenancy from saas_admin;
