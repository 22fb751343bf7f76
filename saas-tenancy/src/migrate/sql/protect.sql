-- What the runner calls after every migration of the tenant plane. Repeating it changes nothing.

create or replace function pg_temp.protect_schema(target text, role name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    rel record;
begin
    for rel in select t.rel from pg_temp.own_tables(target) t where not t.is_child loop
        perform pg_temp.add_tenant_column(rel.rel);
    end loop;
    -- Heirs and partitions have the column from their parents by now.
    for rel in select t.rel from pg_temp.own_tables(target) t where t.is_child loop
        perform pg_temp.add_tenant_column(rel.rel);
    end loop;
    perform pg_temp.rebuild_keys(target);
    perform pg_temp.rebuild_indexes(target);
    for rel in select t.rel, t.is_child, c.relowner from pg_temp.own_tables(target) t join pg_class c on c.oid = t.rel loop
        perform pg_temp.own('table', rel.rel::text, rel.relowner);
        perform pg_temp.apply_rules(rel.rel, role);
        perform pg_temp.apply_grants(rel.rel, rel.is_child, role);
    end loop;
    perform pg_temp.protect_relations(target, role);
    perform pg_temp.own_types(target);
    perform pg_temp.protect_routines(target, role);
end
$$;
