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
    constraint sessions_reason check ((impersonator_id is null) = (impersonation_reason is null))
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

grant select, insert, update, delete on saas_rbac.roles, saas_rbac.memberships,
    saas_rbac.invitations, saas_rbac.api_keys, saas_rbac.connections to saas_control, saas_identity;
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

-- Nobody grants what they do not hold -------------------------------------------------------------

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
            using errcode = 'foreign_key_violation', constraint = 'memberships_known_roles';
    end if;
    return mask;
end
$$;

-- What the person in whose name this transaction runs may do here; null when the application itself
-- runs it, which takes the role saas_identity and names nobody. One who is nobody to saas_control
-- holds nothing.
create function saas_rbac.held(tenant uuid) returns bit(256)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    person uuid := nullif(current_setting('app.user_id', true), '')::uuid;
    mask bit(256);
begin
    -- What a foreign key does in passing, it does as the owner of the table.
    if current_user = 'saas_owner'
        or person is null and current_user in ('saas_identity', 'saas_admin')
    then
        return null;
    end if;
    select saas_rbac.permissions_of(m.tenant_id, m.role_mask) & ~m.denied into mask
    from saas_rbac.memberships m
    where m.tenant_id = tenant and m.user_id = person;
    return coalesce(mask, repeat('0', 256)::bit(256));
end
$$;

create function saas_rbac.refuse_escalation() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    none constant bit(256) := repeat('0', 256)::bit(256);
    tenant uuid;
    held bit(256);
    touched bit(256) := none;
    is_own boolean := false;
begin
    tenant := case when tg_op = 'DELETE' then old.tenant_id else new.tenant_id end;
    if tg_op <> 'DELETE' and tg_table_name <> 'roles' then
        -- The roles stay until this is over, and are then known to be in use.
        perform 1 from saas_rbac.roles r
        where r.tenant_id = tenant and new.role_mask & (1::bigint << r.bit) <> 0
        for key share;
        touched := saas_rbac.permissions_of(tenant, new.role_mask);
    end if;
    held := saas_rbac.held(tenant);
    if held is null then
        return coalesce(new, old);
    end if;
    if tg_table_name = 'roles' then
        -- What a role gains or loses must be the actor's own.
        touched := case tg_op when 'INSERT' then new.mask when 'DELETE' then old.mask
                              else new.mask # old.mask end;
    elsif tg_table_name = 'memberships' and tg_op <> 'INSERT' then
        -- Nobody is changed or removed who holds more than the actor. To leave, or to hold less
        -- than before, is always one's own to do.
        is_own := old.user_id = nullif(current_setting('app.user_id', true), '')::uuid;
        if not is_own then
            touched := touched | saas_rbac.permissions_of(tenant, old.role_mask);
        elsif tg_op = 'UPDATE' and old.denied & ~new.denied <> none then
            touched := touched | old.denied;
        end if;
    end if;
    if touched & ~held <> none then
        raise exception 'this grants or takes what the actor does not hold'
            using errcode = 'insufficient_privilege', constraint = 'no_escalation';
    end if;
    return coalesce(new, old);
end
$$;

create trigger no_escalation before insert or update or delete on saas_rbac.roles
    for each row execute function saas_rbac.refuse_escalation();
create trigger no_escalation before insert or delete or update of role_mask, denied on saas_rbac.memberships
    for each row execute function saas_rbac.refuse_escalation();
create trigger no_escalation before insert or update of role_mask on saas_rbac.invitations
    for each row execute function saas_rbac.refuse_escalation();

revoke all on function saas_rbac.permissions_of(uuid, bigint), saas_rbac.held(uuid),
    saas_rbac.refuse_escalation() from public;
grant execute on function saas_rbac.permissions_of(uuid, bigint), saas_rbac.held(uuid)
    to saas_control, saas_identity, saas_admin;

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
        or exists (select from saas_rbac.roles r
            where r.tenant_id = old.tenant_id and r.id <> old.id
              and r.includes & (1::bigint << old.bit) <> 0)
    then
        raise exception 'the role is in use' using errcode = 'restrict_violation', constraint = 'roles_in_use';
    end if;
    return old;
end
$$;
revoke all on function saas_rbac.keep_used_role() from public;
create trigger keep_used before delete on saas_rbac.roles
    for each row execute function saas_rbac.keep_used_role();

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

set local role none;
revoke create on schema saas_rbac from saas_admin;
set local role saas_owner;

create constraint trigger last_owner after update or delete on saas_rbac.memberships
    deferrable initially deferred
    for each row execute function saas_rbac.keep_owner();
