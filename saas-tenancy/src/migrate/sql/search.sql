-- Substring search that keeps its index. Under a policy PostgreSQL may not use a trigram index,
-- because the operator could tell about rows before they are filtered. The function made here is
-- owned by a role that bypasses policies and names the tenant itself.

-- Makes `table_name` searchable by the text of `columns`: `<table>_search(term)` gives the tenant's
-- rows that contain the term, whatever its case. It has to fetch them to look at their text, so it
-- hands them out whole and nobody has to fetch them again. Repeat it with other columns to replace
-- them.
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
        create function %1$s.%2$I(term text) returns setof %3$s
        language sql stable security definer rows 100
        set search_path = %1$s, saas_ext, pg_temp
        as $fn$
            select found.* from %3$s found
            where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
              and search_text like '%%' || regexp_replace(lower(left(term, 200)), '([\\%%_])', '\\\1', 'g') || '%%'
        $fn$
        $body$, target, table_name || '_search', qualified);
    execute format('grant create on schema %s to saas_admin', target);
    execute format('alter function %s owner to saas_admin', routine);
    execute format('revoke create on schema %s from saas_admin', target);
end
$$;
