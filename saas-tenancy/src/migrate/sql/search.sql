-- Substring search that keeps its index. Under a policy PostgreSQL may not use a trigram index,
-- because the operator could tell about rows before they are filtered. The function made here is
-- owned by a role that bypasses policies and names the tenant itself.

-- The one column of type uuid that identifies a row within its tenant.
create or replace function pg_temp.row_key(rel regclass) returns name
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    keys name[];
begin
    select array_agg(a.attname) into keys
    from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
    where k.conrelid = rel and k.contype = 'p' and a.attname <> 'tenant_id' and a.atttypid = 'uuid'::regtype;
    if cardinality(keys) is distinct from 1 then
        perform pg_temp.refuse(format('table %s is not searchable: its primary key must be one column of type uuid', rel));
    end if;
    return keys[1];
end
$$;

-- Makes `table_name` searchable by the text of `columns`: `<table>_search(term)` gives the keys of
-- the tenant's rows that contain the term, whatever its case. Repeat it with other columns to
-- replace them.
create or replace function pg_temp.searchable(table_name text, columns text[]) returns void
language plpgsql
as $$
declare
    target text := quote_ident(current_schema());
    qualified text := format('%s.%I', target, table_name);
    rel regclass := qualified::regclass;
    routine text := format('%s.%I(text)', target, table_name || '_search');
    joined text := (select string_agg(format('coalesce(%I::text, '''')', c.name), ' || '' '' || ' order by c.position)
        from unnest(columns) with ordinality c (name, position));
begin
    perform pg_temp.add_tenant_column(rel);
    execute format('drop function if exists %s', routine);
    execute format('alter table %s drop column if exists search_text', qualified);
    execute format('alter table %s add column search_text text not null generated always as (lower(%s)) stored', qualified, joined);
    -- Without the list of pending entries: every search would read all of it after an import.
    execute format('create index %I on %s using gin (tenant_id, search_text saas_ext.gin_trgm_ops) with (fastupdate = off)', table_name || '_search_idx', qualified);
    execute format(
        $body$
        create function %1$s.%2$I(term text) returns setof uuid
        language sql stable security definer rows 100
        set search_path = %1$s, saas_ext, pg_temp
        as $fn$
            select %3$I from %4$s
            where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
              and search_text like '%%' || regexp_replace(lower(left(term, 200)), '([\\%%_])', '\\\1', 'g') || '%%'
        $fn$
        $body$, target, table_name || '_search', pg_temp.row_key(rel), qualified);
    execute format('grant create on schema %s to saas_admin', target);
    execute format('alter function %s owner to saas_admin', routine);
    execute format('revoke create on schema %s from saas_admin', target);
end
$$;
