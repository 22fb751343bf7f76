-- The keys that tenants' secret fields are sealed under, each wrapped by a key that is not in any
-- database. Whoever reads these tables, or a backup of them, can open nothing.
--
-- The nil id stands for the system itself, whose secrets belong to no tenant.

set local role saas_owner;

-- One row for whoever has or had keys. It outlives its keys and its tenant: a destroyed ring stays
-- destroyed, so nobody can be given new keys under an old id.
create table saas_tenancy.keyrings (
    tenant_id uuid primary key,
    created_at timestamptz not null,
    destroyed_at timestamptz,
    constraint keyrings_system_stays check (
        destroyed_at is null or tenant_id <> '00000000-0000-0000-0000-000000000000'
    )
);

create table saas_tenancy.tenant_keys (
    tenant_id uuid not null,
    id uuid not null,
    purpose text not null check (purpose in ('fields', 'index', 'system')),
    -- New values are sealed under the active key; the others open what was sealed before.
    active boolean not null,
    -- Which key-encryption key wraps it.
    kek text not null check (char_length(kek) between 1 and 200),
    wrapped bytea not null check (octet_length(wrapped) between 1 and 4096),
    created_at timestamptz not null,
    primary key (tenant_id, id),
    constraint tenant_keys_of_ring
        foreign key (tenant_id) references saas_tenancy.keyrings (tenant_id) on delete cascade,
    constraint tenant_keys_whose check (
        (purpose = 'system') = (tenant_id = '00000000-0000-0000-0000-000000000000')
    )
);
-- Two processes that make the first key at once: one of them wins.
create unique index tenant_keys_one_active on saas_tenancy.tenant_keys (tenant_id, purpose)
    where active;
-- A rotation of the key-encryption key looks for what the old one wraps.
create index tenant_keys_by_kek on saas_tenancy.tenant_keys (kek, tenant_id, id);

-- How far the re-encryption of a column has come, so that it goes on after a crash.
create table saas_tenancy.reencryptions (
    tenant_id uuid not null,
    job text not null check (char_length(job) between 1 and 200),
    -- The key that all values shall be under. Another one begins the job anew.
    key_id uuid not null,
    -- The last row that is done.
    reached uuid,
    finished boolean not null,
    updated_at timestamptz not null,
    primary key (tenant_id, job)
);

alter table saas_tenancy.keyrings enable row level security;
alter table saas_tenancy.keyrings force row level security;
create policy tenant_floor on saas_tenancy.keyrings as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table saas_tenancy.tenant_keys enable row level security;
alter table saas_tenancy.tenant_keys force row level security;
create policy tenant_floor on saas_tenancy.tenant_keys as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

alter table saas_tenancy.reencryptions enable row level security;
alter table saas_tenancy.reencryptions force row level security;
create policy tenant_floor on saas_tenancy.reencryptions as restrictive for all to public
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- Whoever caches keys listens on the channel of tenants' changes, with the same payload.
create trigger tell_change after insert or update or delete on saas_tenancy.keyrings
    for each row execute function saas_tenancy.tell_change('tenant_id');
create trigger tell_change after insert or update or delete on saas_tenancy.tenant_keys
    for each row execute function saas_tenancy.tell_change('tenant_id');

-- No row of a ring can be taken away once it is destroyed, nor the destruction undone.
create function saas_tenancy.keep_destroyed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.destroyed_at is not null
        and (tg_op = 'DELETE' or new.destroyed_at is null or new.tenant_id <> old.tenant_id) then
        raise exception 'a destroyed key ring stays destroyed' using errcode = 'integrity_constraint_violation';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
revoke all on function saas_tenancy.keep_destroyed() from public;
create trigger keep_destroyed before update or delete on saas_tenancy.keyrings
    for each row execute function saas_tenancy.keep_destroyed();

-- The keys go with their tenant. One that was never ready leaves no trace, its id may come again.
create function saas_tenancy.destroy_keys() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from saas_tenancy.tenant_keys k where k.tenant_id = old.id;
    if old.ready_at is null then
        delete from saas_tenancy.keyrings k where k.tenant_id = old.id and k.destroyed_at is null;
    else
        insert into saas_tenancy.keyrings as k (tenant_id, created_at, destroyed_at)
        values (old.id, now(), now())
        on conflict (tenant_id) do update set destroyed_at = coalesce(k.destroyed_at, now());
    end if;
    return null;
end
$$;
revoke all on function saas_tenancy.destroy_keys() from public;
create trigger destroy_keys after delete on saas_tenancy.tenants
    for each row execute function saas_tenancy.destroy_keys();

grant select, insert, update, delete
    on saas_tenancy.keyrings, saas_tenancy.tenant_keys, saas_tenancy.reencryptions
    to saas_admin;

-- The application reads the ring of one tenant at a time, wrapped as it is.
set local role none;
grant create on schema saas_tenancy to saas_admin;
set local role saas_admin;

create function saas_tenancy.keys_of_tenant(wanted uuid)
returns table (destroyed boolean, id uuid, purpose text, active boolean, kek text, wrapped bytea)
language sql stable strict security definer
set search_path = saas_tenancy, pg_temp
as $$
    select r.destroyed_at is not null, k.id, k.purpose, k.active, k.kek, k.wrapped
    from saas_tenancy.keyrings r
    left join saas_tenancy.tenant_keys k on k.tenant_id = r.tenant_id
    where r.tenant_id = wanted
$$;
revoke all on function saas_tenancy.keys_of_tenant(uuid) from public;
grant execute on function saas_tenancy.keys_of_tenant(uuid) to saas_app;

set local role none;
revoke create on schema saas_tenancy from saas_admin;
