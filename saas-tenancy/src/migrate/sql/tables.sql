-- Session functions of the migration runner: which tables are protected, and their tenant column.
-- Everything lives in pg_temp: nothing stays in the database that an application role could call.
-- The pinned search_path makes PostgreSQL print every other name qualified.

-- Tables of a schema that hold tenant data, parents before their partitions and heirs.
create or replace function pg_temp.own_tables(target text)
returns table (rel regclass, is_child boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select c.oid::regclass, c.relispartition or exists (select from pg_inherits i where i.inhrelid = c.oid)
    from pg_class c
    where c.relnamespace = target::regnamespace
      and c.relkind in ('r', 'p')
      and c.relname <> 'saas_migrations'
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 2, c.relname
$$;

create or replace function pg_temp.tenant_column(rel oid) returns smallint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select attnum from pg_attribute where attrelid = rel and attname = 'tenant_id' and not attisdropped
$$;

-- The names of columns in the order given, quoted and ready for a list.
create or replace function pg_temp.column_list(rel oid, nums smallint[]) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select string_agg(quote_ident(a.attname), ', ' order by n.position)
    from unnest(nums) with ordinality n (num, position)
    join pg_attribute a on a.attrelid = rel and a.attnum = n.num
$$;

-- Raises with the code that the runner shows to the author of the migration.
create or replace function pg_temp.refuse(message text) returns void
language plpgsql
as $$
begin
    raise exception using errcode = 'SA001', message = message;
end
$$;

create or replace function pg_temp.add_tenant_column(rel regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    col record;
    has_rows boolean;
begin
    select a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) as fallback into col
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = rel and a.attname = 'tenant_id' and not a.attisdropped;
    if not found then
        execute format('select exists (select from %s)', rel) into has_rows;
        if has_rows then
            perform pg_temp.refuse(format('table %s has rows already, so nobody can tell whose they are; create it empty and fill it through the application', rel));
        end if;
        -- The default is added apart: here it would be evaluated at once, without a tenant.
        execute format('alter table %s add column tenant_id uuid', rel);
    elsif col.atttypid <> 'uuid'::regtype then
        perform pg_temp.refuse(format('column tenant_id of %s must be of type uuid; leave it out, it is added', rel));
    end if;
    -- Without a context this default fails, so an insert cannot land nowhere.
    if col.fallback is distinct from '(current_setting(''app.tenant_id''::text))::uuid' then
        execute format('alter table %s alter column tenant_id set default current_setting(''app.tenant_id'')::uuid', rel);
    end if;
    if col.attnotnull is distinct from true then
        execute format('alter table %s alter column tenant_id set not null', rel);
    end if;
end
$$;
