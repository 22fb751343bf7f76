-- Stand-ins let a file refer to a protected table by its bare key; see rewrite/mod.rs. They live in
-- a schema beside the target, inside one transaction.

create or replace function pg_temp.stand_ins(target text) returns text
language sql immutable
as $$ select target || '_keys' $$;

-- The tables that a file may refer to, and their primary keys without the tenant.
create or replace function pg_temp.standing_tables(target text)
returns table (name text, key text[])
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select c.relname, coalesce(array_agg(a.attname::text order by n.position) filter (where a.attname is not null), '{}')
    from pg_temp.own_tables(target) t
    join pg_class c on c.oid = t.rel
    left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    left join unnest(k.conkey) with ordinality n (num, position) on true
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = n.num and a.attname <> 'tenant_id'
    group by c.relname
$$;

-- Makes a table with the bare keys of a standing one. Keys that several tenants share are one row.
create or replace function pg_temp.make_stand_in(target text, named text, with_rows boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    source regclass := format('%I.%I', target, named)::regclass;
    made text := format('%I.%I', pg_temp.stand_ins(target), named);
    key record;
begin
    execute format('create schema if not exists %I', pg_temp.stand_ins(target));
    execute format('create table %s as select * from %s with no data', made, source);
    for key in
        select distinct pg_temp.column_list(i.indrelid, i.indkey[1:i.indnkeyatts - 1]) as cols
        from pg_index i
        where i.indrelid = source and i.indisunique and i.indimmediate
          and i.indpred is null and i.indexprs is null and i.indnkeyatts > 1
          and i.indkey[0] = pg_temp.tenant_column(source)
    loop
        execute format('alter table %s add unique (%s)', made, key.cols);
        if with_rows then
            execute format('insert into %1$s (%2$s) select distinct %2$s from %3$s', made, key.cols, source);
        end if;
    end loop;
end
$$;

-- Removes the stand-ins. Without cascade: a reference that was not moved stops the migration.
create or replace function pg_temp.drop_stand_ins(target text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    rel record;
begin
    for rel in select oid::regclass as name from pg_class where relkind = 'r' and relnamespace = to_regnamespace(quote_ident(pg_temp.stand_ins(target))) loop
        execute format('drop table %s', rel.name);
    end loop;
    execute format('drop schema if exists %I', pg_temp.stand_ins(target));
end
$$;
