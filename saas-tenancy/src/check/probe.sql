-- A value of a type, whatever it means, so that a row can be planted.
create function pg_temp.probe_value(kind regtype) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
    select case
        when t.typtype = 'e' then (select quote_literal(enumlabel) from pg_enum where enumtypid = t.oid order by enumsortorder limit 1)
        when t.typtype = 'd' then pg_temp.probe_value(t.typbasetype)
        when t.typtype = 'r' then quote_literal('empty')
        when t.typcategory = 'A' then quote_literal('{}')
        when t.typname = 'uuid' then 'gen_random_uuid()'
        when t.typname in ('json', 'jsonb') then quote_literal('{}')
        when t.typname in ('timestamptz', 'timestamp', 'date', 'time', 'timetz') then 'now()'
        when t.typcategory = 'N' then '1'
        when t.typcategory = 'B' then 'false'
        when t.typcategory = 'S' then 'left(md5(random()::text), 8)'
        when t.typcategory = 'T' then quote_literal('1 second')
        when t.typname = 'inet' then quote_literal('127.0.0.1')
        when t.typname = 'bytea' then quote_literal('\x00')
        else 'null'
    end || '::' || kind::text
    from pg_type t where t.oid = kind
$$;

-- Columns that must be given a value, and the values.
create function pg_temp.probe_insert(rel regclass, tenant text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
    select format('insert into %s (tenant_id%s) overriding system value values (%L%s)', rel,
        coalesce(string_agg(', ' || quote_ident(a.attname), '' order by a.attnum), ''), tenant,
        coalesce(string_agg(', ' || coalesce(pg_temp.probe_value(a.atttypid::regtype), 'null'), '' order by a.attnum), ''))
    from pg_attribute a
    where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attname <> 'tenant_id'
      and a.attnotnull and not a.atthasdef and a.attidentity = '' and a.attgenerated = ''
$$;

-- How many rows of another tenant a statement reaches in a tenant's context; refused is none.
create function pg_temp.probe_try(role name, tenant text, statement text) returns bigint
language plpgsql
as $$
declare
    reached bigint;
begin
    begin
        execute format('set local role %I', role);
        execute format('set local app.tenant_id = %L', tenant);
        execute statement;
        get diagnostics reached = row_count;
        raise exception using errcode = 'SA002', message = reached::text;
    exception
        when sqlstate 'SA002' then return sqlerrm::bigint;
        -- Not allowed, or stopped by a policy. What else fails has passed both.
        when insufficient_privilege then return 0;
        when others then return -1;
    end;
end
$$;

create function pg_temp.probe_table(rel regclass, role name, out crossed text, out unverified text)
language plpgsql
as $$
declare
    mine text := gen_random_uuid();
    theirs text := gen_random_uuid();
    col text := (select quote_ident(attname) from pg_attribute where attrelid = rel and attnum > 0
        and not attisdropped and attname <> 'tenant_id' and attgenerated = '' and attidentity = '' order by attnum limit 1);
    foreign_rows text := format('from %s where tenant_id = %L', rel, theirs);
begin
    set local session_replication_role = replica;
    begin
        execute pg_temp.probe_insert(rel, theirs);
    exception when others then
        unverified := 'no row could be planted: ' || sqlerrm;
        return;
    end;
    set local session_replication_role = origin;
    if pg_temp.probe_try(role, theirs, 'select ' || foreign_rows) <> 1 then
        unverified := 'its own tenant does not see the row that was planted';
    elsif pg_temp.probe_try(role, mine, 'select ' || foreign_rows) <> 0 then
        crossed := 'select';
    elsif pg_temp.probe_try(role, mine, 'delete ' || foreign_rows) <> 0 or pg_temp.probe_try(role, mine, format('delete from %s', rel)) <> 0 then
        crossed := 'delete';
    elsif col is not null and pg_temp.probe_try(role, mine, format('update %1$s set %2$s = %2$s', rel, col)) <> 0 then
        crossed := 'update';
    elsif pg_temp.probe_try(role, mine, pg_temp.probe_insert(rel, theirs)) <> 0 then
        crossed := 'insert';
    elsif pg_temp.probe_try(role, mine, format('update %s set tenant_id = %L', rel, mine)) <> 0 then
        crossed := 'update of tenant_id';
    end if;
end
$$;

create function pg_temp.probe_schema(target text, role name)
returns table (name text, crossed text, unverified text)
language plpgsql
as $$
declare
    rel regclass;
begin
    for rel in
        select c.oid from pg_class c
        where c.relnamespace = target::regnamespace and c.relkind in ('r', 'p')
          and c.relname <> 'saas_migrations' and not c.relispartition
          and not exists (select from pg_inherits i where i.inhrelid = c.oid)
        order by c.relname
    loop
        name := rel::text;
        if not exists (select from pg_attribute where attrelid = rel and attname = 'tenant_id' and not attisdropped) then
            crossed := 'it has no column tenant_id';
            unverified := null;
        else
            select p.crossed, p.unverified into crossed, unverified from pg_temp.probe_table(rel, role) p;
        end if;
        return next;
    end loop;
end
$$;
