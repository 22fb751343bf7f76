//! The audit logs of tenants: what keeps them from being changed.

use super::rule::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(
        Warn,
        "audit_log",
        "select format('schema %s has no complete audit log, so nothing can be changed there that is audited', h.name),
            format('select %L -- run `migrate::tenant_plane` or `migrate::protect` over the schema', h.nspname)
         from homes h
         where (select count(*) from pg_class c
             where c.relnamespace = h.oid and c.relname in ('saas_audit', 'saas_audit_seals')) < 2
         order by h.nspname"
    ),
    rule!(
        Refuse,
        "audit_trigger",
        "select format('trigger %s of table %s is missing or can be silenced, so the audit log can be changed', w.trigger, t.name),
            format('select %I.saas_audit_guard()', split_part(t.name, '.', 1))
         from tables t
         join pg_class c on c.oid = t.oid
         join homes h on h.oid = c.relnamespace
         cross join lateral (values
             ('saas_audit_no_change', 'saas_audit_refuse', true),
             ('saas_audit_no_truncate', 'saas_audit_refuse', true),
             ('saas_audit_stamp', 'saas_audit_stamp', c.relname <> 'saas_audit_seals')
         ) w (trigger, routine, is_wanted)
         where w.is_wanted
           and (c.relname in ('saas_audit', 'saas_audit_seals') or c.oid in (
             select i.inhrelid from pg_inherits i join pg_class log on log.oid = i.inhparent
             where log.relnamespace = h.oid and log.relname = 'saas_audit'))
           and not exists (
             select from pg_trigger g join pg_proc p on p.oid = g.tgfoid
             where g.tgrelid = t.oid and g.tgname = w.trigger and g.tgenabled = 'A'
               and p.proname = w.routine and p.pronamespace = h.oid)
         order by t.name, w.trigger"
    ),
    rule!(
        Refuse,
        "audit_right",
        "select distinct format('%s may change %s, which is only ever added to', w.holder, t.name),
            format('revoke %s on %s from %s', w.what, t.name, w.holder)
         from tables t
         cross join lateral (
             select x.grantee, upper(x.privilege_type) as privilege, '' as col
             from pg_class c cross join lateral aclexplode(c.relacl) x where c.oid = t.oid
             union all
             select x.grantee, upper(x.privilege_type), a.attname::text
             from pg_attribute a cross join lateral aclexplode(a.attacl) x
             where a.attrelid = t.oid and not a.attisdropped
         ) r
         cross join lateral (select
             case r.grantee when 0 then 'public' else r.grantee::regrole::text end as holder,
             case r.col when '' then r.privilege else format('%s (%I)', r.privilege, r.col) end as what
         ) w
         where split_part(t.name, '.', 2) in ('saas_audit', 'saas_audit_seals')
           and r.grantee <> t.relowner and r.grantee is distinct from to_regrole('saas_admin')::oid
           and (r.privilege in ('UPDATE', 'DELETE')
             or r.privilege = 'INSERT' and split_part(t.name, '.', 2) = 'saas_audit_seals')
         order by 1"
    ),
];
