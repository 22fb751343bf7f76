-- The control plane of saas-rbac: people, their credentials, and what they may do in which tenant.
--
-- Needs saas-tenancy's control plane in the same database and its roles. Two roles reach these
-- tables, both only inside a transaction: saas_control the rows of one tenant, which policies see
-- to, and saas_identity people and their credentials, who belong to no tenant.

create schema if not exists saas_rbac authorization saas_owner;
revoke all on schema saas_rbac from public;
grant usage on schema saas_rbac to saas_admin, saas_control, saas_identity;

set local role saas_owner;

-- What the application can be asked for. Bits are for ever: one that is no longer used stays taken.
create table saas_rbac.permissions (
    bit smallint primary key check (bit between 0 and 255),
    name text not null unique check (name ~ '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$'),
    risk text not null check (risk in ('low', 'high', 'critical')),
    retired_at timestamptz
);

-- The roles that every tenant has, as the code states them. The first is the owner's.
create table saas_rbac.fixed_roles (
    bit smallint primary key check (bit between 0 and 15),
    name text not null unique check (char_length(name) between 1 and 100),
    mask bit(256) not null
);

-- People ------------------------------------------------------------------------------------------

create table saas_rbac.users (
    id uuid primary key,
    email text not null check (char_length(email) between 3 and 254),
    name text not null check (char_length(name) between 1 and 200),
    -- A PHC string; null for those who sign in elsewhere only.
    password_hash text check (char_length(password_hash) <= 500),
    password_changed_at timestamptz,
    email_verified_at timestamptz,
    disabled_at timestamptz,
    is_super_admin boolean not null default false,
    -- Tokens name the epoch they were issued in. One that names an older epoch is over.
    epoch bigint not null default 1,
    created_at timestamptz not null,
    version bigint not null default 1
);
create unique index users_one_email on saas_rbac.users (lower(email));

-- Who a person is at an identity provider.
create table saas_rbac.identities (
    issuer text not null check (char_length(issuer) between 1 and 500),
    subject text not null check (char_length(subject) between 1 and 255),
    user_id uuid not null,
    created_at timestamptz not null,
    primary key (issuer, subject),
    constraint identities_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade
);
create index identities_by_user on saas_rbac.identities (user_id);

create table saas_rbac.second_factors (
    user_id uuid primary key,
    -- Encrypted by the application.
    sealed_secret bytea not null,
    confirmed_at timestamptz,
    -- The time step of the last code that was accepted: a code is good once.
    last_step bigint not null default 0,
    created_at timestamptz not null,
    constraint second_factors_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade
);

create table saas_rbac.recovery_codes (
    user_id uuid not null,
    code_hash bytea not null check (octet_length(code_hash) = 32),
    used_at timestamptz,
    primary key (user_id, code_hash),
    constraint recovery_codes_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade
);

create table saas_rbac.sessions (
    id uuid primary key,
    user_id uuid not null,
    -- The one tenant it is good for; null for one that chooses.
    tenant_id uuid,
    kind text not null check (kind in ('browser', 'token')),
    -- SHA-256 of the cookie's value; a session of tokens has none.
    secret_hash bytea unique check (octet_length(secret_hash) = 32),
    -- Who acts in the name of `user_id`, and why.
    impersonator_id uuid,
    impersonation_reason text check (char_length(impersonation_reason) between 1 and 500),
    created_at timestamptz not null,
    authenticated_at timestamptz not null,
    second_factor_at timestamptz,
    last_seen_at timestamptz not null,
    idle_until timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_because text check (char_length(revoked_because) <= 100),
    address text check (char_length(address) <= 100),
    user_agent text check (char_length(user_agent) <= 500),
    constraint sessions_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade,
    constraint sessions_by_impersonator
        foreign key (impersonator_id) references saas_rbac.users (id) on delete cascade,
    constraint sessions_reason check ((impersonator_id is null) = (impersonation_reason is null)),
    -- Acting for somebody else is for a short while, and in one tenant.
    constraint sessions_impersonation check (
        impersonator_id is null
        or impersonator_id <> user_id and tenant_id is not null
           and expires_at - created_at <= interval '1 hour'
    )
);
create index sessions_by_user on saas_rbac.sessions (user_id) where revoked_at is null;
create index sessions_by_tenant on saas_rbac.sessions (tenant_id) where revoked_at is null;
-- Processes that start learn from it which tokens are over before their time.
create index sessions_revoked on saas_rbac.sessions (revoked_at) where revoked_at is not null;
create index sessions_expired on saas_rbac.sessions (expires_at);

-- One refresh token is good at a time; those before it stay, to notice that one is used again.
create table saas_rbac.refresh_tokens (
    hash bytea primary key check (octet_length(hash) = 32),
    session_id uuid not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint refresh_tokens_of_session
        foreign key (session_id) references saas_rbac.sessions (id) on delete cascade
);
create index refresh_tokens_by_session on saas_rbac.refresh_tokens (session_id);

-- What goes out by mail and is good once.
create table saas_rbac.one_time_tokens (
    hash bytea primary key check (octet_length(hash) = 32),
    user_id uuid not null,
    purpose text not null check (purpose in ('reset_password', 'verify_email')),
    -- The address it was sent to: it proves no other.
    email text not null check (char_length(email) between 3 and 254),
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_tokens_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade
);
create index one_time_tokens_by_user on saas_rbac.one_time_tokens (user_id);

create table saas_rbac.signing_keys (
    kid text primary key check (char_length(kid) between 1 and 100),
    algorithm text not null check (algorithm in ('EdDSA', 'RS256')),
    state text not null check (state in ('next', 'active', 'retiring', 'revoked')),
    public_key jsonb not null,
    -- Encrypted by the application; gone when the key signs no more.
    sealed_private_key bytea,
    created_at timestamptz not null,
    -- A retiring key verifies until then.
    not_after timestamptz
);
create unique index signing_keys_one_active on saas_rbac.signing_keys (state) where state = 'active';

-- How often somebody failed to sign in, by account, by address and by both. The key is a keyed
-- hash, so the table names nobody.
create unlogged table saas_rbac.throttles (
    key bytea primary key check (octet_length(key) = 32),
    failures integer not null check (failures > 0),
    first_at timestamptz not null,
    blocked_until timestamptz not null,
    forget_at timestamptz not null
);
create index throttles_by_end on saas_rbac.throttles (forget_at);

-- Log-in at identity providers, for all tenants or for one.
create table saas_rbac.connections (
    id uuid primary key,
    tenant_id uuid,
    name text not null check (char_length(name) between 1 and 100),
    issuer text not null check (char_length(issuer) between 1 and 500),
    client_id text not null check (char_length(client_id) between 1 and 500),
    -- Encrypted by the application; null for a public client.
    sealed_client_secret bytea,
    -- What people get who come for the first time; null: they must have been invited.
    role_mask bigint check (role_mask > 0),
    created_at timestamptz not null,
    version bigint not null default 1
);
create index connections_by_tenant on saas_rbac.connections (tenant_id);

-- People in tenants -------------------------------------------------------------------------------

-- The roles that a tenant has made for itself. Bit 63 is the sign of a bigint.
create table saas_rbac.roles (
    tenant_id uuid not null,
    id uuid not null,
    bit smallint not null check (bit between 16 and 62),
    name text not null check (char_length(name) between 1 and 100),
    description text not null default '' check (char_length(description) <= 500),
    -- What it was given, by name. The truth; the mask follows from it and from `includes`.
    permissions text[] not null check (cardinality(permissions) <= 256),
    -- Bits of the roles whose permissions it has, too.
    includes bigint not null default 0 check (includes >= 0),
    mask bit(256) not null,
    created_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant_id, id),
    constraint roles_one_bit unique (tenant_id, bit),
    constraint roles_of_tenant
        foreign key (tenant_id) references saas_tenancy.tenants (id) on delete cascade
);
create unique index roles_one_name on saas_rbac.roles (tenant_id, lower(name));

create table saas_rbac.memberships (
    tenant_id uuid not null,
    user_id uuid not null,
    role_mask bigint not null check (role_mask > 0),
    -- What this person may not do here, whatever the roles say.
    denied bit(256) not null default repeat('0', 256)::bit(256),
    joined_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant_id, user_id),
    constraint memberships_of_tenant
        foreign key (tenant_id) references saas_tenancy.tenants (id) on delete cascade,
    constraint memberships_of_user
        foreign key (user_id) references saas_rbac.users (id) on delete cascade
);
create index memberships_by_user on saas_rbac.memberships (user_id);

create table saas_rbac.invitations (
    tenant_id uuid not null,
    id uuid not null,
    email text not null check (char_length(email) between 3 and 254),
    role_mask bigint not null check (role_mask > 0),
    -- SHA-256 of the 256 bits that were sent. Another one with every mail.
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    invited_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz,
    version bigint not null default 1,
    primary key (tenant_id, id),
    constraint invitations_of_tenant
        foreign key (tenant_id) references saas_tenancy.tenants (id) on delete cascade,
    constraint invitations_by_user
        foreign key (invited_by) references saas_rbac.users (id) on delete cascade
);
create unique index invitations_one_open on saas_rbac.invitations (tenant_id, lower(email))
    where accepted_at is null and revoked_at is null;

create table saas_rbac.api_keys (
    tenant_id uuid not null,
    id uuid not null unique,
    name text not null check (char_length(name) between 1 and 100),
    -- What people may see of it.
    prefix text not null check (char_length(prefix) between 1 and 40),
    -- Keyed hash of the secret.
    secret_hash bytea not null check (octet_length(secret_hash) = 32),
    -- After a rotation the secret before is good for a while.
    previous_hash bytea check (octet_length(previous_hash) = 32),
    previous_until timestamptz,
    scopes text[] not null check (cardinality(scopes) between 1 and 256),
    owner_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    version bigint not null default 1,
    primary key (tenant_id, id),
    constraint api_keys_of_tenant
        foreign key (tenant_id) references saas_tenancy.tenants (id) on delete cascade,
    constraint api_keys_of_owner
        foreign key (owner_id) references saas_rbac.users (id) on delete cascade
);

-- The wall ----------------------------------------------------------------------------------------

do $$
declare
    name text;
    context constant text :=
        'tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)';
begin
    foreach name in array array['roles', 'memberships', 'invitations', 'api_keys', 'connections', 'sessions'] loop
        execute format('alter table saas_rbac.%I enable row level security', name);
        execute format('alter table saas_rbac.%I force row level security', name);
        execute format(
            'create policy tenant_access on saas_rbac.%1$I for all to saas_control using (%2$s) with check (%2$s)',
            name, context);
        execute format(
            'create policy tenant_floor on saas_rbac.%1$I as restrictive for all to saas_control using (%2$s) with check (%2$s)',
            name, context);
        execute format(
            'create policy across_tenants on saas_rbac.%I for all to saas_identity using (true) with check (true)',
            name);
    end loop;
    foreach name in array array['users', 'identities', 'second_factors', 'recovery_codes',
        'refresh_tokens', 'one_time_tokens', 'signing_keys', 'throttles'] loop
        execute format('alter table saas_rbac.%I enable row level security', name);
        execute format('alter table saas_rbac.%I force row level security', name);
        execute format(
            'create policy people on saas_rbac.%I for all to saas_identity using (true) with check (true)',
            name);
    end loop;
end
$$;

-- A tenant sees of people who belong to it what its team page shows, and changes nothing of them.
create policy of_the_team on saas_rbac.users for select to saas_control using (
    id in (select m.user_id from saas_rbac.memberships m
           where m.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
);
grant select (id, email, name, disabled_at, epoch, created_at) on saas_rbac.users to saas_control;

grant select, insert, update, delete on saas_rbac.roles, saas_rbac.invitations,
    saas_rbac.api_keys, saas_rbac.connections to saas_control, saas_identity;
-- People come into a tenant by an invitation or by sign-up. A tenant that could add anybody could
-- read the address of anybody.
grant select, update, delete on saas_rbac.memberships to saas_control;
grant select, insert, update, delete on saas_rbac.memberships to saas_identity;
grant select (id, user_id, tenant_id, kind, impersonator_id, impersonation_reason, created_at,
        authenticated_at, second_factor_at, last_seen_at, idle_until, expires_at, revoked_at,
        revoked_because, address, user_agent),
    update (revoked_at, revoked_because) on saas_rbac.sessions to saas_control;
grant select, insert, update, delete on saas_rbac.users, saas_rbac.identities,
    saas_rbac.second_factors, saas_rbac.recovery_codes, saas_rbac.sessions,
    saas_rbac.refresh_tokens, saas_rbac.one_time_tokens, saas_rbac.signing_keys,
    saas_rbac.throttles to saas_identity;
grant select on saas_rbac.permissions, saas_rbac.fixed_roles to saas_control, saas_identity;
grant select, insert, update, delete on all tables in schema saas_rbac to saas_admin;

-- Who changed -------------------------------------------------------------------------------------

-- Every process that remembers what people may do listens here: `tenant:ID`, `user:ID`,
-- `session:ID`, `keys`. Never more than a hint to look again.
create function saas_rbac.tell_change() returns trigger
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
    -- The first argument is the kind of thing, the second the column that holds its id.
    perform pg_notify('saas_rbac_changed', concat_ws(':', tg_argv[0], changed ->> tg_argv[1]));
    return null;
end
$$;
revoke all on function saas_rbac.tell_change() from public;

create trigger tell_change after insert or update or delete on saas_rbac.roles
    for each row execute function saas_rbac.tell_change('tenant', 'tenant_id');
create trigger tell_change after insert or update or delete on saas_rbac.memberships
    for each row execute function saas_rbac.tell_change('tenant', 'tenant_id');
create trigger tell_change after insert or delete or update of scopes, secret_hash, previous_hash, revoked_at, expires_at
    on saas_rbac.api_keys
    for each row execute function saas_rbac.tell_change('key', 'id');
create trigger tell_change after delete or update of epoch, disabled_at, is_super_admin on saas_rbac.users
    for each row execute function saas_rbac.tell_change('user', 'id');
create trigger tell_change after delete or update of revoked_at on saas_rbac.sessions
    for each row execute function saas_rbac.tell_change('session', 'id');
create trigger tell_change after insert or update or delete on saas_rbac.signing_keys
    for each row execute function saas_rbac.tell_change('keys');

-- Roles --------------------------------------------------------------------------------------------

-- All permissions of a set of roles. An unknown bit is an error, so no mask can wait for a role
-- that is made later.
create function saas_rbac.permissions_of(tenant uuid, role_mask bigint) returns bit(256)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found bigint;
    mask bit(256);
begin
    select coalesce(bit_or(1::bigint << r.bit), 0), coalesce(bit_or(r.mask), repeat('0', 256)::bit(256))
    into found, mask
    from (
        select f.bit, f.mask from saas_rbac.fixed_roles f
        union all
        select c.bit, c.mask from saas_rbac.roles c where c.tenant_id = tenant
    ) r
    where role_mask & (1::bigint << r.bit) <> 0;
    if found <> role_mask then
        raise exception 'the roles % are not all there', role_mask
            using errcode = 'foreign_key_violation', constraint = 'known_roles';
    end if;
    return mask;
end
$$;

-- The permissions with these names. One that is retired is known and gives nothing.
create function saas_rbac.permissions_named(names text[]) returns bit(256)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    none constant bit(256) := repeat('0', 256)::bit(256);
    known bigint;
    mask bit(256);
begin
    select count(*), coalesce(bit_or(set_bit(none, p.bit, 1)) filter (where p.retired_at is null), none)
    into known, mask
    from saas_rbac.permissions p
    where p.name = any (names);
    if known <> (select count(distinct n.name) from unnest(names) n (name)) then
        raise exception 'the permissions are not all there'
            using errcode = 'foreign_key_violation', constraint = 'known_permissions';
    end if;
    return mask;
end
$$;

-- What a role gives follows from its names and from the roles it includes, whoever writes it. Its
-- bit stays what it is: memberships hold it.
create function saas_rbac.flatten_role() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One change of a tenant's roles at a time: two that include each other would not see it.
    perform pg_advisory_xact_lock(hashtextextended('saas_rbac.roles:' || new.tenant_id::text, 0));
    if exists (
        with recursive reached as (
            select r.bit, r.includes from saas_rbac.roles r
            where r.tenant_id = new.tenant_id and new.includes & (1::bigint << r.bit) <> 0
            union
            select r.bit, r.includes
            from reached
            join saas_rbac.roles r
                on r.tenant_id = new.tenant_id and reached.includes & (1::bigint << r.bit) <> 0
        )
        select from reached where reached.bit = new.bit
    ) or new.includes & (1::bigint << new.bit) <> 0
    then
        raise exception 'a role cannot include itself, also not through others'
            using errcode = 'check_violation', constraint = 'roles_no_cycle';
    end if;
    new.mask := saas_rbac.permissions_named(new.permissions)
        | saas_rbac.permissions_of(new.tenant_id, new.includes);
    return new;
end
$$;

-- Roles that include the changed one follow it, within the same transaction.
create function saas_rbac.spread_role() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update saas_rbac.roles r set mask = r.mask
    where r.tenant_id = new.tenant_id and r.includes & (1::bigint << new.bit) <> 0;
    return null;
end
$$;

-- What a row is about cannot be changed: the columns that the arguments name.
create function saas_rbac.keep_columns() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    name text;
begin
    foreach name in array tg_argv loop
        if to_jsonb(old) -> name is distinct from to_jsonb(new) -> name then
            raise exception '% of % cannot be changed', name, tg_table_name
                using errcode = 'integrity_constraint_violation', constraint = 'fixed_column';
        end if;
    end loop;
    return new;
end
$$;

-- A role that somebody has, or that an open invitation promises, stays.
create function saas_rbac.keep_used_role() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The tenant itself is going, and its rows with it.
    if current_user = 'saas_owner' then
        return old;
    end if;
    if exists (select from saas_rbac.memberships m
            where m.tenant_id = old.tenant_id and m.role_mask & (1::bigint << old.bit) <> 0)
        or exists (select from saas_rbac.invitations i
            where i.tenant_id = old.tenant_id and i.accepted_at is null and i.revoked_at is null
              and i.role_mask & (1::bigint << old.bit) <> 0)
        or exists (select from saas_rbac.connections c
            where c.tenant_id = old.tenant_id and c.role_mask & (1::bigint << old.bit) <> 0)
        or exists (select from saas_rbac.roles r
            where r.tenant_id = old.tenant_id and r.id <> old.id
              and r.includes & (1::bigint << old.bit) <> 0)
    then
        raise exception 'the role is in use' using errcode = 'restrict_violation', constraint = 'roles_in_use';
    end if;
    return old;
end
$$;

-- Nobody grants what they do not hold --------------------------------------------------------------

-- In whose name this transaction runs; null for the application itself.
create function saas_rbac.person() returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select nullif(current_setting('app.user_id', true), '')::uuid
$$;

-- Whether the application itself runs this: it takes the role saas_identity or saas_admin and names
-- nobody. What a foreign key does in passing, it does as the owner of the table.
create function saas_rbac.is_application() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select current_user = 'saas_owner'
        or saas_rbac.person() is null and current_user in ('saas_identity', 'saas_admin')
$$;

-- What the person in whose name this transaction runs may do here. Nobody holds nothing.
create function saas_rbac.held(tenant uuid) returns bit(256)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (select saas_rbac.permissions_of(m.tenant_id, m.role_mask) & ~m.denied
         from saas_rbac.memberships m
         where m.tenant_id = tenant and m.user_id = saas_rbac.person()),
        repeat('0', 256)::bit(256));
end
$$;

-- Lets a change pass that grants or takes these permissions, and touches these roles.
create function saas_rbac.require_held(tenant uuid, touched bit(256), role_mask bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if touched & ~saas_rbac.held(tenant) <> repeat('0', 256)::bit(256) then
        raise exception 'this grants or takes what the actor does not hold'
            using errcode = 'insufficient_privilege', constraint = 'no_escalation';
    end if;
    -- Owners are a matter of owners, also where another role has all permissions.
    if role_mask & 1 <> 0 and not exists (select from saas_rbac.memberships m
        where m.tenant_id = tenant and m.user_id = saas_rbac.person() and m.role_mask & 1 <> 0)
    then
        raise exception 'only an owner appoints, changes or removes an owner'
            using errcode = 'insufficient_privilege', constraint = 'owners_only';
    end if;
end
$$;

-- The permissions that these roles give now. They stay until this is over, and are then known to be
-- in use.
create function saas_rbac.promise(tenant uuid, role_mask bigint) returns bit(256)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from saas_rbac.roles r
    where r.tenant_id = tenant and role_mask & (1::bigint << r.bit) <> 0
    for key share;
    return saas_rbac.permissions_of(tenant, role_mask);
end
$$;

-- What a role gains or loses must be the actor's own.
create function saas_rbac.guard_role() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    touched bit(256);
begin
    if not saas_rbac.is_application() then
        touched := case tg_op when 'INSERT' then new.mask when 'DELETE' then old.mask
                              else new.mask # old.mask end;
        perform saas_rbac.require_held(coalesce(new.tenant_id, old.tenant_id), touched, 0);
    end if;
    return coalesce(new, old);
end
$$;

-- Nobody is given what the actor does not hold, and nobody is changed or removed who holds more. To
-- leave, or to hold less than before, is always one's own to do.
create function saas_rbac.guard_membership() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    none constant bit(256) := repeat('0', 256)::bit(256);
    tenant uuid := coalesce(new.tenant_id, old.tenant_id);
    touched bit(256) := none;
begin
    if tg_op <> 'DELETE' then
        touched := saas_rbac.promise(tenant, new.role_mask);
    end if;
    if saas_rbac.is_application() then
        return coalesce(new, old);
    end if;
    if tg_op <> 'INSERT' then
        if old.user_id is distinct from saas_rbac.person() then
            touched := touched | saas_rbac.permissions_of(tenant, old.role_mask);
        elsif tg_op = 'UPDATE' and old.denied & ~new.denied <> none then
            touched := touched | old.denied;
        end if;
    end if;
    perform saas_rbac.require_held(
        tenant, touched, coalesce(old.role_mask, 0) | coalesce(new.role_mask, 0));
    return coalesce(new, old);
end
$$;

-- An invitation promises no more than the actor may give, and is the actor's own. It is taken by
-- the invited person in the name of the one who invited, who must still be able to give it.
create function saas_rbac.guard_invitation() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    touched bit(256);
begin
    if saas_rbac.is_application() and tg_op = 'UPDATE' then
        return new;
    end if;
    touched := saas_rbac.promise(new.tenant_id, new.role_mask);
    if saas_rbac.is_application() then
        return new;
    end if;
    if tg_op = 'INSERT' and new.invited_by is distinct from saas_rbac.person() then
        raise exception 'nobody invites in the name of somebody else'
            using errcode = 'insufficient_privilege', constraint = 'no_escalation';
    end if;
    if tg_op = 'UPDATE' and (old.accepted_at is not null or old.revoked_at is not null) then
        raise exception 'the invitation is over'
            using errcode = 'check_violation', constraint = 'invitations_over';
    end if;
    perform saas_rbac.require_held(new.tenant_id, touched, new.role_mask);
    return new;
end
$$;

-- The roles that newcomers get from an identity provider are granted by whoever sets it up.
create function saas_rbac.guard_connection() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    role_mask bigint := coalesce(old.role_mask, 0) | coalesce(new.role_mask, 0);
    tenant uuid := coalesce(new.tenant_id, old.tenant_id);
begin
    if not saas_rbac.is_application() then
        perform saas_rbac.require_held(tenant, saas_rbac.promise(tenant, role_mask), role_mask);
    end if;
    return coalesce(new, old);
end
$$;

-- A key acts for the person who made it. Others of the tenant can end it, and no more.
create function saas_rbac.guard_api_key() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    person constant uuid := saas_rbac.person();
    ends constant text[] := array['revoked_at', 'version'];
begin
    if saas_rbac.is_application() or new.owner_id = person then
        return new;
    end if;
    if tg_op = 'INSERT' or to_jsonb(old) - ends <> to_jsonb(new) - ends
        or old.revoked_at is not null or new.revoked_at is null
    then
        raise exception 'the key acts for somebody else'
            using errcode = 'insufficient_privilege', constraint = 'keys_of_their_owner';
    end if;
    return new;
end
$$;

revoke all on function saas_rbac.permissions_of(uuid, bigint), saas_rbac.permissions_named(text[]),
    saas_rbac.flatten_role(), saas_rbac.spread_role(), saas_rbac.keep_columns(),
    saas_rbac.keep_used_role(), saas_rbac.person(), saas_rbac.is_application(),
    saas_rbac.held(uuid), saas_rbac.require_held(uuid, bit, bigint),
    saas_rbac.promise(uuid, bigint), saas_rbac.guard_role(), saas_rbac.guard_membership(),
    saas_rbac.guard_invitation(), saas_rbac.guard_connection(), saas_rbac.guard_api_key()
    from public;
grant execute on function saas_rbac.permissions_of(uuid, bigint), saas_rbac.permissions_named(text[]),
    saas_rbac.person(), saas_rbac.is_application(), saas_rbac.held(uuid),
    saas_rbac.require_held(uuid, bit, bigint), saas_rbac.promise(uuid, bigint)
    to saas_control, saas_identity, saas_admin;

-- Triggers of one kind run in the order of their names.
create trigger a_keep_columns before update on saas_rbac.roles
    for each row execute function saas_rbac.keep_columns('tenant_id', 'id', 'bit');
create trigger b_flatten before insert or update on saas_rbac.roles
    for each row execute function saas_rbac.flatten_role();
create trigger c_no_escalation before insert or update or delete on saas_rbac.roles
    for each row execute function saas_rbac.guard_role();
create trigger d_keep_used before delete on saas_rbac.roles
    for each row execute function saas_rbac.keep_used_role();
create trigger spread after update on saas_rbac.roles
    for each row when (old.mask is distinct from new.mask)
    execute function saas_rbac.spread_role();

create trigger a_keep_columns before update on saas_rbac.memberships
    for each row execute function saas_rbac.keep_columns('tenant_id', 'user_id', 'joined_at');
create trigger c_no_escalation before insert or update or delete on saas_rbac.memberships
    for each row execute function saas_rbac.guard_membership();

create trigger a_keep_columns before update on saas_rbac.invitations
    for each row execute function
        saas_rbac.keep_columns('tenant_id', 'id', 'email', 'role_mask', 'invited_by', 'created_at');
create trigger c_no_escalation before insert or update on saas_rbac.invitations
    for each row execute function saas_rbac.guard_invitation();

-- What was ended stays so.
create function saas_rbac.keep_ended() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'what was revoked stays revoked'
        using errcode = 'integrity_constraint_violation', constraint = 'stays_revoked';
end
$$;
revoke all on function saas_rbac.keep_ended() from public;

create trigger b_keep_ended before update on saas_rbac.sessions
    for each row when (old.revoked_at is not null and new.revoked_at is null)
    execute function saas_rbac.keep_ended();
create trigger b_keep_ended before update on saas_rbac.api_keys
    for each row when (old.revoked_at is not null and new.revoked_at is null)
    execute function saas_rbac.keep_ended();

create trigger a_keep_columns before update on saas_rbac.connections
    for each row execute function saas_rbac.keep_columns('tenant_id', 'id');
create trigger c_no_escalation before insert or update or delete on saas_rbac.connections
    for each row execute function saas_rbac.guard_connection();

create trigger a_keep_columns before update on saas_rbac.api_keys
    for each row execute function saas_rbac.keep_columns('tenant_id', 'id', 'owner_id', 'created_at');
create trigger c_no_escalation before insert or update on saas_rbac.api_keys
    for each row execute function saas_rbac.guard_api_key();

-- The last owner ----------------------------------------------------------------------------------

set local role none;
grant create on schema saas_rbac to saas_admin;
set local role saas_admin;

-- Sees the tenant's row and all owners, whoever asks. The lock on the tenant makes two who leave at
-- once wait for each other; it does not hinder rows that refer to the tenant.
create function saas_rbac.keep_owner() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.role_mask & 1 = 0 then
        return null;
    end if;
    perform 1 from saas_tenancy.tenants t where t.id = old.tenant_id for no key update;
    if not found then
        -- The tenant itself is going.
        return null;
    end if;
    if not exists (select from saas_rbac.memberships m
        where m.tenant_id = old.tenant_id and m.role_mask & 1 <> 0)
    then
        raise exception 'the last owner cannot leave or be demoted'
            using errcode = 'check_violation', constraint = 'last_owner';
    end if;
    return null;
end
$$;
revoke all on function saas_rbac.keep_owner() from public;
-- Only who makes a trigger needs it.
grant execute on function saas_rbac.keep_owner() to saas_owner;

set local role none;
revoke create on schema saas_rbac from saas_admin;
set local role saas_owner;

create constraint trigger last_owner after update or delete on saas_rbac.memberships
    deferrable initially deferred
    for each row execute function saas_rbac.keep_owner();
