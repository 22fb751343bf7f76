//! A rule is a query for what breaks it.

use super::Severity;

/// A query that yields what is wrong and the SQL that puts it right, one row a finding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) sql: &'static str,
}

/// A [`Rule`] whose query may use the names below. What a query does not use costs nothing.
///
/// - `me`: the login.
/// - `homes`: the schemas of tenants, with the role that has the rights on their tables.
/// - `tables`: their tables, with quoted name, tenant column and whether they are children.
/// - `rights`: who else than the owner and `saas_admin` may do what with relations of the homes.
/// - `routines`: functions of applications, in whatever schema.
macro_rules! rule {
    ($severity:ident, $name:literal, $sql:literal) => {
        crate::check::rule::Rule {
            name: $name,
            severity: crate::check::Severity::$severity,
            sql: concat!(
                "with me as (
                     select oid, rolname, quote_ident(rolname) as name, rolsuper from pg_roles
                     where rolname = session_user
                 ), homes as (
                     select n.oid, n.nspname, n.nspowner, quote_ident(n.nspname) as name, n.nspacl,
                         case when n.nspname <> 'app' then n.nspname::text
                              when session_user ~ '^t_[0-9a-f]{32}$' then session_user::text
                              else 'saas_shared' end as role
                     from pg_namespace n
                     where n.nspname = 'app' or n.nspname ~ '^t_[0-9a-f]{32}$'
                 ), tables as (
                     select c.oid, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relkind,
                         format('%I.%I', h.nspname, c.relname) as name, h.role,
                         a.attnum as tenant, a.atttypid, a.attnotnull,
                         pg_get_expr(d.adbin, d.adrelid) as fallback,
                         c.relispartition
                             or exists (select from pg_inherits i where i.inhrelid = c.oid) as is_child
                     from pg_class c
                     join homes h on h.oid = c.relnamespace
                     left join pg_attribute a
                         on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
                     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
                     where c.relkind in ('r', 'p') and c.relname <> 'saas_migrations'
                 ), rights as (
                     select c.oid, c.relkind, format('%I.%I', h.nspname, c.relname) as name, h.role,
                         x.grantee, lower(x.privilege_type) as privilege,
                         case x.grantee when 0 then 'public' else x.grantee::regrole::text end as holder
                     from pg_class c
                     join homes h on h.oid = c.relnamespace
                     cross join lateral aclexplode(c.relacl) x
                     where x.grantee <> c.relowner
                       and x.grantee is distinct from to_regrole('saas_admin')::oid
                 ), routines as (
                     select p.*, n.nspname, p.oid::regprocedure::text as name,
                         array_to_string(coalesce(p.proconfig, '{}'), e'\\n') as settings,
                         case p.prokind when 'p' then 'procedure' else 'function' end as kind
                     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                     where n.nspname not in ('pg_catalog', 'information_schema')
                       and n.nspname !~ '^pg_(toast|temp)'
                       and not exists (select from pg_depend d
                           where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
                 ) ",
                $sql
            ),
        }
    };
}

pub(super) use rule;
