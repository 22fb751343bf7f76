-- The audit log of a home: entries, their seals, and what guards both. Runs with the home alone on
-- the search path, in every home, beside the application's files. Repeating it changes nothing.
--
-- Rights, columns and policies come from the runner as for any other table: the tenant's role may
-- add entries and read both tables, and the tenant of a row is never its choice.

create table if not exists saas_audit (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    occurred_at timestamptz not null,
    actor text not null check (octet_length(actor) <= 1000),
    action text not null check (octet_length(action) <= 100),
    target_kind text not null check (octet_length(target_kind) <= 1000),
    target_id text not null check (octet_length(target_id) <= 1000),
    outcome text not null check (octet_length(outcome) <= 20),
    -- The whole entry, byte for byte as it is hashed: what reads it later cannot change its form.
    entry text not null check (octet_length(entry) <= 131072),
    -- The transaction that wrote it; set by a trigger.
    xid xid8 not null,
    primary key (tenant_id, occurred_at, id)
) partition by range (occurred_at);
create index if not exists saas_audit_xid on saas_audit (tenant_id, xid);
comment on table saas_audit is 'Who did what. @append-only';

-- What comes before its month's partition was made must not fail the change it belongs to.
create table if not exists saas_audit_rest partition of saas_audit default;

-- The chain. Entries are never updated, so their numbers and hashes stand here. Seals outlive the
-- entries whose retention ends.
create table if not exists saas_audit_seals (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    seq bigint not null,
    entry_id uuid not null,
    occurred_at timestamptz not null,
    sealed_at timestamptz not null,
    prev bytea not null,
    hash bytea not null,
    primary key (tenant_id, seq),
    constraint saas_audit_seals_entry unique (tenant_id, entry_id)
);

-- Before the functions below, which may belong to the owner already, work on them.
alter table saas_audit owner to saas_owner;
alter table saas_audit_rest owner to saas_owner;
alter table saas_audit_seals owner to saas_owner;

-- Which transaction wrote an entry is not for the writer to say: the sealer relies on it.
create or replace function saas_audit_stamp() returns trigger
language plpgsql
as $$
begin
    new.xid := pg_current_xact_id();
    return new;
end
$$;

-- The one exception is the removal of a whole tenant by an administrator. System work, which runs
-- under another role than it logged in as, is none.
create or replace function saas_audit_refuse() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'DELETE' and current_user = session_user then
        if current_setting('saas.audit_removal', true) = old.tenant_id::text then
            return old;
        end if;
    end if;
    raise exception using errcode = '42501', message = 'the audit log is only ever added to';
end
$$;

-- Adds the triggers that are missing, and makes all of them fire whatever a session says about its
-- replication role. The one against truncate is not cloned to partitions, so each gets its own.
create or replace function saas_audit_guard() returns void
language plpgsql
set search_path from current
as $$
declare
    rel record;
    wanted record;
begin
    for rel in
        select c.oid::regclass as name, c.oid, c.relname, c.relispartition from pg_class c
        where c.oid in ('saas_audit'::regclass, 'saas_audit_seals'::regclass)
           or c.oid in (select inhrelid from pg_inherits where inhparent = 'saas_audit'::regclass)
        order by c.relispartition, c.relname
    loop
        for wanted in
            select * from (values
                ('saas_audit_no_change', 'before update or delete', 'row', 'saas_audit_refuse()', rel.relispartition),
                ('saas_audit_no_truncate', 'before truncate', 'statement', 'saas_audit_refuse()', false),
                ('saas_audit_stamp', 'before insert', 'row', 'saas_audit_stamp()', rel.relispartition or rel.relname = 'saas_audit_seals')
            ) v (name, event, level, routine, is_cloned)
        loop
            if not wanted.is_cloned and not exists (
                select from pg_trigger t
                where t.tgrelid = rel.oid and t.tgname = wanted.name and t.tgfoid = wanted.routine::regprocedure
            ) then
                execute format('drop trigger if exists %I on %s', wanted.name, rel.name);
                execute format('create trigger %I %s on %s for each %s execute function %s',
                    wanted.name, wanted.event, rel.name, wanted.level, wanted.routine);
            end if;
            if exists (select from pg_trigger t where t.tgrelid = rel.oid and t.tgname = wanted.name and t.tgenabled <> 'A') then
                execute format('alter table only %s enable always trigger %I', rel.name, wanted.name);
            end if;
        end loop;
    end loop;
end
$$;

-- Makes the partitions of this month and of so many after it, at most twelve. One that cannot be
-- made now, because the table is busy or the rest holds rows of it, is left to the next call.
create or replace function saas_audit_partitions(ahead integer) returns integer
language plpgsql security definer
set search_path from current
set lock_timeout = '3s'
as $$
declare
    first timestamptz := date_trunc('month', now(), 'utc');
    month timestamptz;
    part text;
    rule record;
    made integer := 0;
begin
    for month in
        select date_trunc('month', first + make_interval(months => n, days => 3), 'utc')
        from generate_series(0, least(greatest(ahead, 0), 12)) n
    loop
        part := 'saas_audit_' || to_char(month at time zone 'utc', 'YYYYMM');
        continue when to_regclass(part) is not null;
        begin
            execute format('create table %I (like saas_audit including defaults including constraints)', part);
            execute format('alter table %I enable row level security, force row level security', part);
            for rule in
                select p.polname, case when p.polpermissive then 'permissive' else 'restrictive' end as kind,
                    pg_get_expr(p.polqual, p.polrelid) as seen, pg_get_expr(p.polwithcheck, p.polrelid) as made,
                    (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ') from unnest(p.polroles) r) as roles
                from pg_policy p where p.polrelid = 'saas_audit'::regclass
            loop
                execute format('create policy %I on %I as %s for all to %s using (%s) with check (%s)',
                    rule.polname, part, rule.kind, rule.roles, rule.seen, rule.made);
            end loop;
            execute format('alter table saas_audit attach partition %I for values from (%L) to (%L)', part,
                month, date_trunc('month', month + interval '35 days', 'utc'));
            perform saas_audit_guard();
            made := made + 1;
        exception when check_violation or lock_not_available or duplicate_table then
            raise warning 'partition % of the audit log is not made yet: %', part, sqlerrm;
        end;
    end loop;
    return made;
end
$$;

-- Fields with their lengths in front, so that no two lists of fields have the same bytes.
create or replace function saas_audit_bytes(variadic fields bytea[]) returns bytea
language sql immutable
as $$
    select string_agg(int4send(octet_length(f.value)) || f.value, ''::bytea order by f.position)
    from unnest(fields) with ordinality f (value, position)
$$;

create or replace function saas_audit_micros(moment timestamptz) returns bytea
language sql immutable
as $$
    select int8send((extract(epoch from moment) * 1000000)::bigint)
$$;

-- Seals up to `most` entries of the tenant, in the order of their transactions, and says how many,
-- where the chain ends, and whether entries are left.
--
-- A transaction that is older than the oldest one still under way is over, so no entry can turn up
-- before one that is sealed here. An entry whose transaction the server has not come to yet was
-- brought in from another server, and is over, too.
create or replace function saas_audit_seal(
    most integer, out sealed integer, out last_seq bigint, out last_hash bytea, out waiting boolean
)
language plpgsql security definer
set search_path from current
as $$
declare
    owner uuid := current_setting('app.tenant_id')::uuid;
    own xid8 := pg_current_xact_id();
    lower xid8 := '0';
    moment timestamptz := '-infinity';
    tail record;
    one record;
begin
    perform pg_advisory_xact_lock(hashtextextended('saas_audit_seal ' || owner, 0));
    sealed := 0;
    last_seq := 0;
    last_hash := decode(repeat('00', 32), 'hex');
    select s.seq, s.hash, s.sealed_at, e.xid into tail
    from saas_audit_seals s
    left join saas_audit e
        on e.tenant_id = s.tenant_id and e.occurred_at = s.occurred_at and e.id = s.entry_id
    where s.tenant_id = owner order by s.seq desc limit 1;
    if found then
        last_seq := tail.seq;
        last_hash := tail.hash;
        moment := tail.sealed_at;
        -- Everything before the last one sealed is sealed, unless it came from another server.
        lower := coalesce(tail.xid, lower);
        if lower >= pg_snapshot_xmin(pg_current_snapshot()) then
            lower := '0';
        end if;
    end if;
    for one in
        select e.id, e.occurred_at, e.actor, e.action, e.target_kind, e.target_id, e.outcome, e.entry
        from saas_audit e
        where e.tenant_id = owner and e.xid >= lower and e.xid <> own
          and (e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
          and not exists (select from saas_audit_seals s where s.tenant_id = owner and s.entry_id = e.id)
        order by e.xid, e.occurred_at, e.id
        limit least(greatest(most, 0), 10000)
    loop
        moment := greatest(moment, clock_timestamp());
        insert into saas_audit_seals (tenant_id, seq, entry_id, occurred_at, sealed_at, prev, hash)
        values (owner, last_seq + 1, one.id, one.occurred_at, moment, last_hash,
            sha256('saas audit entry v1'::bytea || saas_audit_bytes(
                uuid_send(owner), int8send(last_seq + 1), saas_audit_micros(moment),
                uuid_send(one.id), saas_audit_micros(one.occurred_at),
                convert_to(one.actor, 'UTF8'), convert_to(one.action, 'UTF8'),
                convert_to(one.target_kind, 'UTF8'), convert_to(one.target_id, 'UTF8'),
                convert_to(one.outcome, 'UTF8'), convert_to(one.entry, 'UTF8')
            ) || last_hash))
        returning seq, hash into last_seq, last_hash;
        sealed := sealed + 1;
    end loop;
    waiting := exists (
        select from saas_audit e
        where e.tenant_id = owner and e.xid >= lower
          and not exists (select from saas_audit_seals s where s.tenant_id = owner and s.entry_id = e.id)
    );
end
$$;

select saas_audit_guard(), saas_audit_partitions(3);
comment on table saas_audit_seals is 'The chain over saas_audit, layout 1. @read-only';
