-- Policies, owners and grants of the objects of a tenant schema.

-- The one condition of every policy, as PostgreSQL prints it. Wrapped in a select so that it is
-- evaluated once a statement; nullif because a used setting is '' and not null afterwards.
create or replace function pg_temp.tenant_rule() returns text
language sql immutable
as $$
    select '(tenant_id = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid AS "nullif"))'
$$;

create or replace function pg_temp.apply_policy(rel regclass, named text, kind text, roles text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from pg_policy p
    where p.polrelid = rel and p.polname = named and p.polcmd = '*'
      and p.polpermissive = (kind = 'permissive')
      and array(select case r when 0 then 'public' else r::regrole::text end from unnest(p.polroles) r order by 1)
        = array(select r from unnest(roles) r order by 1)
      and pg_get_expr(p.polqual, p.polrelid) = pg_temp.tenant_rule()
      and pg_get_expr(p.polwithcheck, p.polrelid) = pg_temp.tenant_rule();
    if not found then
        execute format('drop policy if exists %I on %s', named, rel);
        execute format('create policy %I on %s as %s for all to %s using %s with check %s', named, rel, kind,
            array_to_string(roles, ', '), pg_temp.tenant_rule(), pg_temp.tenant_rule());
    end if;
end
$$;

create or replace function pg_temp.apply_rules(rel regclass, role name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from pg_rewrite where ev_class = rel) then
        perform pg_temp.refuse(format('table %s has a rewrite rule, which runs with its owner''s rights; use a trigger', rel));
    end if;
    if not (select relrowsecurity from pg_class where oid = rel) then
        execute format('alter table %s enable row level security', rel);
    end if;
    if not (select relforcerowsecurity from pg_class where oid = rel) then
        execute format('alter table %s force row level security', rel);
    end if;
    perform pg_temp.apply_policy(rel, 'tenant_access', 'permissive', array[quote_ident(role), 'saas_owner']);
    perform pg_temp.apply_policy(rel, 'tenant_floor', 'restrictive', array['public']);
end
$$;

-- What the role may do: never truncate, references or trigger, and tenant_id is written by its
-- default only. A partition or an heir gets nothing: its parent's policies would not apply to it.
create or replace function pg_temp.apply_grants(rel regclass, is_child boolean, role name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    remark text := coalesce(obj_description(rel, 'pg_class'), '');
    changeable text := (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = rel and attnum > 0 and not attisdropped and attname <> 'tenant_id' and attgenerated = '');
begin
    execute format('revoke all on %s from public, saas_app, %I, saas_admin', rel, role);
    execute format('grant select, insert, update, delete on %s to saas_admin', rel);
    if is_child then
        return;
    end if;
    execute format('grant select on %s to %I', rel, role);
    if remark ~ '@read-only\M' then
        return;
    end if;
    execute format('grant insert on %s to %I', rel, role);
    if remark ~ '@append-only\M' then
        return;
    end if;
    execute format('grant delete on %s to %I', rel, role);
    if changeable is not null then
        execute format('grant update (%s) on %s to %I', changeable, rel, role);
    end if;
end
$$;

create or replace function pg_temp.own(kind text, object text, owner oid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if owner <> 'saas_owner'::regrole then
        execute format('alter %s %s owner to saas_owner', kind, object);
    end if;
end
$$;

-- Sequences, views, materialized views and foreign tables.
create or replace function pg_temp.protect_relations(target text, role name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    rel record;
begin
    for rel in
        select c.oid::regclass as name, c.relkind as kind, c.relowner as owner, c.reloptions as options,
            exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')) as is_part
        from pg_class c
        where c.relnamespace = target::regnamespace and c.relkind in ('S', 'v', 'm', 'f')
          and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        order by c.relname
    loop
        if rel.kind = 'f' then
            perform pg_temp.refuse(format('foreign table %s is not covered by policies; read the other server from the application', rel.name));
        elsif rel.kind = 'v' and not coalesce(rel.options && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false) then
            perform pg_temp.refuse(format('view %s reads with its owner''s rights; write "create view … with (security_invoker = true)", which needs PostgreSQL 15', rel.name));
        end if;
        execute format('revoke all on %s from public, saas_app, %I', rel.name, role);
        if not (rel.kind = 'S' and rel.is_part) then
            perform pg_temp.own(case rel.kind when 'S' then 'sequence' when 'v' then 'view' else 'materialized view' end, rel.name::text, rel.owner);
        end if;
        if rel.kind = 'S' then
            execute format('grant usage on sequence %s to %I, saas_admin', rel.name, role);
        elsif rel.kind = 'v' then
            execute format('grant select on %s to %I, saas_admin', rel.name, role);
        end if;
    end loop;
end
$$;

create or replace function pg_temp.check_routine(routine pg_proc) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    settings text := array_to_string(coalesce(routine.proconfig, '{}'), e'\n');
begin
    if routine.prosecdef and settings !~ '(?n)^search_path=.*\mpg_temp$' then
        perform pg_temp.refuse(format('function %s is security definer and does not pin its search_path; add "set search_path from current"', routine.oid::regprocedure));
    elsif settings ~ '(?n)^app\.' then
        perform pg_temp.refuse(format('function %s sets the tenant itself; remove the clause', routine.oid::regprocedure));
    elsif routine.proleakproof then
        perform pg_temp.refuse(format('function %s is marked leakproof, so it may see rows before the policy; remove the mark', routine.oid::regprocedure));
    end if;
end
$$;

create or replace function pg_temp.protect_routines(target text, role name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    routine pg_proc;
begin
    for routine in
        select p.* from pg_proc p
        where p.pronamespace = target::regnamespace
          and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        order by p.oid::regprocedure::text
    loop
        perform pg_temp.check_routine(routine);
        -- The search functions belong to saas_admin: that is what lets them use their index.
        if routine.proowner <> 'saas_admin'::regrole then
            perform pg_temp.own('routine', routine.oid::regprocedure::text, routine.proowner);
        end if;
        execute format('revoke all on routine %s from public, saas_app', routine.oid::regprocedure);
        execute format('grant execute on routine %s to %I, saas_admin', routine.oid::regprocedure, role);
    end loop;
end
$$;

create or replace function pg_temp.own_types(target text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    named record;
begin
    for named in
        select t.oid::regtype::text as name, t.typowner as owner from pg_type t
        left join pg_class c on c.oid = t.typrelid
        where t.typnamespace = target::regnamespace and (t.typtype in ('e', 'd') or c.relkind = 'c')
        order by 1
    loop
        perform pg_temp.own('type', named.name, named.owner);
    end loop;
end
$$;
