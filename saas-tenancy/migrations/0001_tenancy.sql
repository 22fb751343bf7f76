-- The control plane of saas-tenancy: which tenants there are and where their data lives.
--
-- Needs PostgreSQL 14 and the roles saas_owner, saas_admin and saas_app. The role that runs it is a
-- member of the first two. Tables belong to saas_owner, which no policy spares; the few functions
-- that see all tenants belong to saas_admin.

create schema if not exists saas_tenancy authorization saas_owner;
revoke all on schema saas_tenancy from public;
grant usage on schema saas_tenancy to saas_admin, saas_app;

set local role saas_owner;

-- The database servers of the fleet. `secret_ref` names the setting that holds address and
-- password; the secret itself is never stored.
create table saas_tenancy.servers (
    id uuid primary key,
    name text not null unique check (char_length(name) between 1 and 100),
    secret_ref text not null check (char_length(secret_ref) between 1 and 100),
    capacity integer check (capacity > 0),
    is_default boolean not null default false
);
create unique index servers_one_default on saas_tenancy.servers (is_default) where is_default;

-- The server that holds the control plane also holds tenants until others are added.
insert into saas_tenancy.servers (id, name, secret_ref, is_default)
values ('00000000-0000-7000-8000-000000000001', 'default', 'DATABASE_URL', true);

-- Every slug and id in use, and those of tenants that were ready once and are gone: what was named
-- after them elsewhere must not fall to another tenant.
create table saas_tenancy.used_slugs (
    slug text primary key,
    tenant_id uuid not null,
    constraint used_slugs_one_a_tenant unique (tenant_id),
    -- For the foreign key of `tenants`.
    constraint used_slugs_pair unique (slug, tenant_id)
);

create table saas_tenancy.tenants (
    id uuid primary key,
    slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'),
    name text not null check (char_length(name) <= 500),
    status text not null default 'trial' check (
        status in ('trial', 'active', 'past_due', 'paused', 'suspended', 'cancelled', 'deleting')
    ),
    server_id uuid not null,
    isolation text not null check (isolation in ('shared', 'schema', 'database')),
    settings jsonb not null check (pg_column_size(settings) <= 65536),
    limits jsonb not null check (pg_column_size(limits) <= 65536),
    created_at timestamptz not null,
    version bigint not null default 1,
    -- Null while the tenant is being made: it does not resolve yet.
    ready_at timestamptz,
    constraint tenants_known_server foreign key (server_id) references saas_tenancy.servers (id),
    -- No tenant without its entry in the list of used slugs, whoever inserts it.
    constraint tenants_used_slug
        foreign key (slug, id) references saas_tenancy.used_slugs (slug, tenant_id)
);
create index tenants_by_server on saas_tenancy.tenants (server_id);
-- Provisioning resumes these at start-up; there are few at any time.
create index tenants_not_ready on saas_tenancy.tenants (id) where ready_at is null;

create table saas_tenancy.domains (
    id uuid not null,
    tenant_id uuid not null,
    name text not null check (char_length(name) between 1 and 253),
    token text not null check (char_length(token) between 1 and 200),
    verified_at timestamptz,
    primary key (tenant_id, id),
    constraint domains_one_claim unique (tenant_id, name),
    constraint domains_of_tenant foreign key (tenant_id)
        references saas_tenancy.tenants (id) on delete cascade
);
-- Many may claim a name, one may own it. It is the one key without the tenant, on purpose: host
-- names are public and belong to one tenant in the world.
create unique index domains_one_owner on saas_tenancy.domains (name) where verified_at is not null;

-- Which steps of a tenant's making are done, so that a crash at any point can be resumed. Without a
-- foreign key: the journal is written before the tenant is there and after it is gone.
create table saas_tenancy.provisioning (
    tenant_id uuid not null,
    step text not null,
    done_at timestamptz not null default now(),
    primary key (tenant_id, step)
);

-- One line for every transaction across tenants. Lines are only ever added.
create table saas_tenancy.system_audit (
    id uuid primary key,
    occurred_at timestamptz not null,
    actor text not null,
    reason text not null,
    request_id uuid not null
);
create index system_audit_by_time on saas_tenancy.system_audit (occurred_at);

-- The application's own role sees the rows of the tenant in whose context it is, and without a
-- context none. The restrictive twin keeps that so when somebody adds another permissive policy.
alter table saas_tenancy.tenants enable row level security;
alter table saas_tenancy.tenants force row level security;
create policy tenant_access on saas_tenancy.tenants for all to saas_app
    using (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy tenant_floor on saas_tenancy.tenants as restrictive for all to public
    using (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table saas_tenancy.domains enable row level security;
alter table saas_tenancy.domains force row level security;
create policy tenant_access on saas_tenancy.domains for all to saas_app
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy tenant_floor on saas_tenancy.domains as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table saas_tenancy.provisioning enable row level security;
alter table saas_tenancy.provisioning force row level security;
create policy tenant_floor on saas_tenancy.provisioning as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- Every process that caches tenants listens here. The payload is an id and nothing else: any login
-- of the database may listen, and may send. It goes out when the transaction commits, and twice the
-- same within one transaction goes out once.
create function saas_tenancy.tell_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    changed jsonb;
begin
    if tg_op = 'DELETE' then
        changed := to_jsonb(old);
    else
        changed := to_jsonb(new);
    end if;
    -- The argument is the column that holds the tenant's id.
    perform pg_notify('saas_tenancy_changed', changed ->> tg_argv[0]);
    return null;
end
$$;
revoke all on function saas_tenancy.tell_change() from public;

create trigger tell_change after insert or update or delete on saas_tenancy.tenants
    for each row execute function saas_tenancy.tell_change('id');
create trigger tell_change after insert or update or delete on saas_tenancy.domains
    for each row execute function saas_tenancy.tell_change('tenant_id');

grant select, insert, update, delete
    on saas_tenancy.servers, saas_tenancy.tenants, saas_tenancy.domains, saas_tenancy.provisioning
    to saas_admin;
grant select, insert, delete on saas_tenancy.used_slugs to saas_admin;
grant select, insert on saas_tenancy.system_audit to saas_admin;

grant select on saas_tenancy.servers, saas_tenancy.tenants, saas_tenancy.domains to saas_app;
-- Not the status, the limits or the placement: a tenant cannot reopen or enlarge itself.
grant update (name, settings, version) on saas_tenancy.tenants to saas_app;

-- The application's role cannot list tenants. It can look one up by a name that the request
-- carries, through functions that see all tenants and answer with at most one.
set local role none;
grant create on schema saas_tenancy to saas_admin;
set local role saas_admin;

create function saas_tenancy.tenant_by_id(wanted uuid)
returns setof saas_tenancy.tenants rows 1
language sql stable strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    select t.* from saas_tenancy.tenants t where t.id = wanted
$$;

create function saas_tenancy.tenant_by_slug(wanted text)
returns setof saas_tenancy.tenants rows 1
language sql stable strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    select t.* from saas_tenancy.tenants t where t.slug = wanted and t.ready_at is not null
$$;

create function saas_tenancy.tenant_by_domain(wanted text)
returns setof saas_tenancy.tenants rows 1
language sql stable strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    select t.*
    from saas_tenancy.domains d
    join saas_tenancy.tenants t on t.id = d.tenant_id
    where d.name = wanted and d.verified_at is not null and t.ready_at is not null
$$;

create function saas_tenancy.domains_of_tenant(wanted uuid)
returns setof saas_tenancy.domains rows 5
language sql stable strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    select d.* from saas_tenancy.domains d where d.tenant_id = wanted
$$;

revoke all on function
    saas_tenancy.tenant_by_id(uuid),
    saas_tenancy.tenant_by_slug(text),
    saas_tenancy.tenant_by_domain(text),
    saas_tenancy.domains_of_tenant(uuid)
    from public;
grant execute on function
    saas_tenancy.tenant_by_id(uuid),
    saas_tenancy.tenant_by_slug(text),
    saas_tenancy.tenant_by_domain(text),
    saas_tenancy.domains_of_tenant(uuid)
    to saas_app;

set local role none;
revoke create on schema saas_tenancy from saas_admin;
