-- How many members there are, by status and type, so that no page has to count them.
--
-- Every transaction adds its difference to a slot that no other open transaction writes to; the
-- number is the sum over the slots, and a slot by itself may be negative. It is read in the same
-- statement as the page, so both show the same moment.
create table member_counts (
    slot int not null,
    status text not null,
    membership_type_id uuid not null,
    n bigint not null,
    constraint member_counts_pkey primary key (slot, status, membership_type_id)
) with (fillfactor = 50);

comment on table member_counts is 'kept by triggers of members @read-only';

-- A slot that this transaction has to itself until it ends.
--
-- It tries sixteen, from one that depends on its process, and never waits: whoever waits for a slot
-- while it holds rows of members can deadlock with a transaction that holds the slot and wants the
-- rows. If all are taken, the process number is a slot that nobody else can have.
create function member_counts_slot() returns int
language plpgsql volatile
set search_path from current
as $$
declare
    -- Advisory locks are common to the database, so the key depends on the tenant, too.
    place text := 'member_counts/' || current_setting('app.tenant_id');
    slot int;
begin
    for step in 0..15 loop
        slot := (pg_backend_pid() + step) % 16;
        if pg_try_advisory_xact_lock(hashtextextended(place, slot)) then
            return slot;
        end if;
    end loop;
    return 16 + pg_backend_pid();
end
$$;

-- Runs once a statement, however many rows it touches.
create function member_counts_keep() returns trigger
language plpgsql security definer
set search_path from current
as $$
declare
    mine int := member_counts_slot();
begin
    if tg_op = 'INSERT' then
        insert into member_counts (slot, status, membership_type_id, n)
        select mine, a.status, a.membership_type_id, a.n
        from (select status, membership_type_id, count(*) as n from added group by 1, 2) a
        on conflict on constraint member_counts_pkey do update set n = member_counts.n + excluded.n;
    elsif tg_op = 'DELETE' then
        insert into member_counts (slot, status, membership_type_id, n)
        select mine, r.status, r.membership_type_id, -r.n
        from (select status, membership_type_id, count(*) as n from removed group by 1, 2) r
        on conflict on constraint member_counts_pkey do update set n = member_counts.n + excluded.n;
    else
        insert into member_counts (slot, status, membership_type_id, n)
        select mine, d.status, d.membership_type_id, d.n
        from (
            select status, membership_type_id, sum(n) as n
            from (
                select status, membership_type_id, 1 as n from added
                union all
                select status, membership_type_id, -1 from removed
            ) both_sides
            group by 1, 2
            having sum(n) <> 0
        ) d
        on conflict on constraint member_counts_pkey do update set n = member_counts.n + excluded.n;
    end if;
    return null;
end
$$;

create trigger member_counts_insert after insert on members
    referencing new table as added
    for each statement execute function member_counts_keep();
create trigger member_counts_update after update on members
    referencing old table as removed new table as added
    for each statement execute function member_counts_keep();
create trigger member_counts_delete after delete on members
    referencing old table as removed
    for each statement execute function member_counts_keep();
