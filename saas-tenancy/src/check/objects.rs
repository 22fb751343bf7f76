//! Everything beside tables: views, functions, schema `public`, and what the server leaves open.

use super::rule::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(
        Refuse,
        "view",
        "select format('view %I.%I reads with the rights of its owner', n.nspname, c.relname),
            format('alter view %I.%I set (security_invoker = true)', n.nspname, c.relname)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'v' and (n.nspname = 'public' or n.oid in (select oid from homes))
           and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
           and not exists (select from pg_depend d
               where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
         order by 1"
    ),
    rule!(
        Refuse,
        "unprotected_relation",
        "select distinct format('%s may read %s, which no policy can cover', holder, name),
            format('revoke all on %s from %s', name, holder)
         from rights where relkind in ('m', 'f') order by 1"
    ),
    rule!(
        Refuse,
        "public_table",
        "select distinct format('%s has rights on public.%I; tables of tenants never stand in public', w.holder, c.relname),
            format('revoke all on public.%I from %s', c.relname, w.holder)
         from pg_class c
         cross join lateral aclexplode(c.relacl) x
         cross join lateral (select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as holder) w
         where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f')
           and x.grantee <> c.relowner
           and (x.grantee = 0 or x.grantee in (select oid from me)
             or x.grantee in (select r.oid from pg_roles r join homes h on h.role = r.rolname))
           and not exists (select from pg_depend d
               where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
         order by 1"
    ),
    rule!(
        Refuse,
        "definer_search_path",
        "select format('function %s is security definer and does not pin its search_path', name),
            format('alter %s %s set search_path = %I, pg_temp', kind, name, nspname)
         from routines where prosecdef and settings !~ '(?n)^search_path=.*\\mpg_temp\"?$' order by 1"
    ),
    rule!(
        Refuse,
        "definer_owner",
        "select format('function %s is security definer and belongs to %I, to which no policy applies', f.name, r.rolname),
            format('alter %s %s owner to saas_owner', f.kind, f.name)
         from routines f join pg_roles r on r.oid = f.proowner
         where f.prosecdef and (r.rolsuper or r.rolbypassrls) and r.rolname <> 'saas_admin' order by 1"
    ),
    rule!(
        Refuse,
        "definer_public",
        "select format('everybody may run function %s, which is security definer', name),
            format('revoke execute on %s %s from public', kind, name)
         from routines
         where prosecdef and prorettype <> 'trigger'::regtype and prorettype <> 'event_trigger'::regtype
           and has_function_privilege('public', oid, 'execute') order by 1"
    ),
    rule!(
        Refuse,
        "leakproof",
        "select format('function %s is marked leakproof, so it may see rows before the policy', name),
            format('alter function %s not leakproof', name)
         from routines where proleakproof order by 1"
    ),
    rule!(
        Refuse,
        "context_function",
        "select format('function %s sets the tenant itself', name),
            format('alter %s %s reset all', kind, name)
         from routines where settings ~ '(?n)^app\\.' order by 1"
    ),
    rule!(
        Warn,
        "default_privileges",
        "select distinct format('new objects of %s are granted to %s without protection', d.defaclrole::regrole, w.holder),
            format('alter default privileges for role %s %s revoke all on %s from %s', d.defaclrole::regrole,
                case d.defaclnamespace when 0 then '' else 'in schema ' || d.defaclnamespace::regnamespace end,
                case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                    when 'T' then 'types' else 'schemas' end, w.holder)
         from pg_default_acl d cross join lateral aclexplode(d.defaclacl) x
         cross join lateral (select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as holder) w
         where d.defaclobjtype in ('r', 'S') and x.grantee <> d.defaclrole
           and (x.grantee = 0 or x.grantee in (select oid from me)
             or x.grantee in (select r.oid from pg_roles r join homes h on h.role = r.rolname))
         order by 1"
    ),
    rule!(
        Warn,
        "set_config",
        "select format('role %s may run set_config, so an injected expression could change the tenant', name),
            'revoke execute on function pg_catalog.set_config(text, text, boolean) from public'
         from me where has_function_privilege(oid, 'pg_catalog.set_config(text, text, boolean)', 'execute')
           and not rolsuper"
    ),
    rule!(
        Warn,
        "open_function",
        "select format('role %s may run %s, which reaches beyond its tenant', me.name, string_agg(p.oid::regprocedure::text, ', ' order by p.oid)),
            'revoke execute on function ' || string_agg(p.oid::regprocedure::text, ', ' order by p.oid) || ' from public'
         from me cross join pg_proc p
         where p.pronamespace = 'pg_catalog'::regnamespace
           and (p.proname in ('pg_stat_get_activity', 'pg_cancel_backend', 'pg_terminate_backend', 'loread', 'lowrite')
             or p.proname like 'lo\\_%')
           and has_function_privilege(me.oid, p.oid, 'execute') and not me.rolsuper
         group by me.name"
    ),
    rule!(
        Warn,
        "database_right",
        "select format('role %s may make temporary objects, which can hide real ones', name),
            format('revoke temporary on database %I from public, %s', current_database(), name)
         from me where has_database_privilege(oid, current_database(), 'temporary') and not rolsuper
         union all
         select format('everybody may connect to database %I', current_database()),
            format('grant connect on database %1$I to %2$s; revoke connect on database %1$I from public', current_database(), name)
         from me where has_database_privilege('public', current_database(), 'connect')
         union all
         select format('role %s may create objects in schema public', me.name), 'revoke create on schema public from public'
         from me where not rolsuper
           and has_schema_privilege(oid, coalesce(to_regnamespace('public'), 'pg_catalog'::regnamespace), 'create')"
    ),
    rule!(
        Warn,
        "extension",
        "select format('extension %I reaches other servers without policies', extname), format('drop extension %I', extname)
         from pg_extension where extname in ('dblink', 'postgres_fdw', 'file_fdw')"
    ),
    rule!(
        Warn,
        "server_version",
        "select format('server %s has known holes in row-level security; update it to at least %s.%s',
                current_setting('server_version'), v.major, v.minor),
            'select version() -- after the update'
         from (values (14, 19), (15, 14), (16, 10), (17, 6)) v (major, minor)
         where current_setting('server_version_num')::int / 10000 = v.major
           and current_setting('server_version_num')::int % 10000 < v.minor
         union all
         select format('server %s is no longer maintained', current_setting('server_version')),
            'select version() -- after the update'
         where current_setting('server_version_num')::int < 140000"
    ),
];
