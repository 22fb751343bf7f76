-- Keys and indexes begin with tenant_id: otherwise a key tells one tenant what another one has, and
-- a foreign key reaches (and cascades) across tenants, because policies do not cover either.

-- The table that a foreign key means: beside its own one, also when it points at a stand-in.
create or replace function pg_temp.linked_table(link pg_constraint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format('%I.%I', link.connamespace::regnamespace::text, relname) from pg_class where oid = link.confrelid
$$;

-- The text of a foreign key with tenant_id in front on both sides.
create or replace function pg_temp.tenant_link(link pg_constraint) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    kept smallint[] := array(select jsonb_array_elements_text(
        nullif(to_jsonb(link) -> 'confdelsetcols', 'null'))::smallint);
    cols text := pg_temp.column_list(link.conrelid, link.conkey);
    cleared text := case when cardinality(kept) > 0 then pg_temp.column_list(link.conrelid, kept) else cols end;
    actions jsonb := '{"a": "", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}';
    made text;
begin
    if link.confupdtype in ('n', 'd') then
        perform pg_temp.refuse(format('foreign key %I of %s: "on update set null" and "on update set default" would clear the tenant; use cascade or no action', link.conname, link.conrelid::regclass));
    elsif link.confmatchtype = 'f' and cardinality(link.conkey) > 1 then
        perform pg_temp.refuse(format('foreign key %I of %s: "match full" cannot hold beside tenant_id; use a check that all of its columns are null or none is', link.conname, link.conrelid::regclass));
    end if;
    made := format('alter table %s add constraint %I foreign key (tenant_id, %s) references %s (tenant_id, %s)',
        link.conrelid::regclass, link.conname, cols, pg_temp.linked_table(link),
        pg_temp.column_list(link.confrelid, link.confkey));
    if link.confdeltype in ('n', 'd') then
        -- Only the reference is cleared, never the tenant. The column list needs PostgreSQL 15.
        if current_setting('server_version_num')::int < 150000 then
            perform pg_temp.refuse(format('foreign key %I of %s: "on delete set null" on a tenant table needs PostgreSQL 15; use no action or cascade', link.conname, link.conrelid::regclass));
        end if;
        made := made || format(' on delete %s (%s)', actions ->> link.confdeltype::text, cleared);
    elsif link.confdeltype <> 'a' then
        made := made || ' on delete ' || (actions ->> link.confdeltype::text);
    end if;
    if link.confupdtype <> 'a' then
        made := made || ' on update ' || (actions ->> link.confupdtype::text);
    end if;
    return made
        || case when link.condeferrable then ' deferrable' else '' end
        || case when link.condeferred then ' initially deferred' else '' end
        || case when link.convalidated then '' else ' not valid' end;
end
$$;

create or replace function pg_temp.check_link(link pg_constraint, target text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from pg_class where oid = link.confrelid
        and relnamespace in (target::regnamespace, to_regnamespace(pg_temp.stand_ins(target)))) then
        perform pg_temp.refuse(format('foreign key %I of %s points out of its schema; a tenant''s table may only refer to tables beside it', link.conname, link.conrelid::regclass));
    elsif pg_temp.tenant_column(link.conrelid) = any (link.conkey) then
        perform pg_temp.refuse(format('foreign key %I of %s names tenant_id; leave it out on both sides, it is put in front', link.conname, link.conrelid::regclass));
    end if;
end
$$;

-- Rebuilds primary, unique, exclusion and foreign keys that do not begin with the tenant.
create or replace function pg_temp.rebuild_keys(target text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    con pg_constraint;
    drops text[] := '{}';
    keys text[] := '{}';
    links text[] := '{}';
    statement text;
begin
    for con in
        select k.* from pg_constraint k join pg_temp.own_tables(target) t on t.rel = k.conrelid
        where k.contype in ('p', 'u', 'x', 'f') and k.conparentid = 0
          and (k.conkey[1] is distinct from pg_temp.tenant_column(k.conrelid)
            or k.contype = 'f' and k.confkey[1] is distinct from pg_temp.tenant_column(k.confrelid))
        order by k.contype <> 'f', k.conrelid::regclass::text, k.conname
    loop
        drops := drops || format('alter table %s drop constraint %I', con.conrelid::regclass, con.conname);
        if con.contype = 'f' then
            perform pg_temp.check_link(con, target);
            links := links || pg_temp.tenant_link(con);
        elsif pg_temp.tenant_column(con.conrelid) = any (con.conkey) then
            perform pg_temp.refuse(format('key %I of %s names tenant_id but not first; leave it out, it is put in front', con.conname, con.conrelid::regclass));
        else
            keys := keys || format('alter table %s add constraint %I %s', con.conrelid::regclass, con.conname,
                regexp_replace(pg_get_constraintdef(con.oid), '\(',
                    case con.contype when 'x' then '(tenant_id with =, ' else '(tenant_id, ' end));
        end if;
    end loop;
    foreach statement in array drops || keys || links loop
        execute statement;
    end loop;
end
$$;

-- Rebuilds the b-tree indexes that do not begin with the tenant. An index of another kind is never
-- unique and stays as it is.
create or replace function pg_temp.rebuild_indexes(target text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    idx record;
begin
    for idx in
        select i.indexrelid::regclass as name, pg_get_indexdef(i.indexrelid) as made
        from pg_index i
        join pg_temp.own_tables(target) t on t.rel = i.indrelid
        join pg_class c on c.oid = i.indexrelid
        join pg_am a on a.oid = c.relam
        where a.amname = 'btree' and not c.relispartition
          and i.indkey[0] <> pg_temp.tenant_column(i.indrelid)
          and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
        order by 1
    loop
        execute format('drop index %s', idx.name);
        -- A partitioned index is printed with "only", which would leave the partitions without it.
        execute regexp_replace(regexp_replace(idx.made, ' ON ONLY ', ' ON '), 'USING btree \(', 'USING btree (tenant_id, ');
    end loop;
end
$$;
