//! The tables of tenants: policies, tenant column, keys and grants.

use super::rule::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(
        Refuse,
        "rls_disabled",
        "select format('table %s has row-level security switched off', name),
            format('alter table %s enable row level security', name)
         from tables where not relrowsecurity order by name"
    ),
    rule!(
        Refuse,
        "rls_not_forced",
        "select format('table %s does not force its policies on its owner', name),
            format('alter table %s force row level security', name)
         from tables where not relforcerowsecurity order by name"
    ),
    rule!(
        Refuse,
        "policy",
        "select format('policy %s of table %s is missing or is not the one that keeps tenants apart', w.policy, t.name),
            format('drop policy if exists %1$s on %2$s; create policy %1$s on %2$s as %3$s for all to %4$s using (%5$s) with check (%5$s)',
                w.policy, t.name, w.kind, w.holders, w.rule)
         from tables t
         cross join lateral (values
             ('tenant_access', 'permissive', format('%I, saas_owner', t.role), array[t.role, 'saas_owner']),
             ('tenant_floor', 'restrictive', 'public', array['public'])
         ) v (policy, kind, holders, names)
         cross join lateral (select v.*,
             'tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)' as rule,
             '(tenant_id = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid AS \"nullif\"))' as printed
         ) w
         where not exists (
             select from pg_policy p
             where p.polrelid = t.oid and p.polname = w.policy and p.polcmd = '*'
               and p.polpermissive = (w.kind = 'permissive')
               and array(select coalesce(r.rolname::text, 'public') from unnest(p.polroles) o left join pg_roles r on r.oid = o order by 1)
                 = array(select x from unnest(w.names) x order by 1)
               and pg_get_expr(p.polqual, p.polrelid) = w.printed
               and pg_get_expr(p.polwithcheck, p.polrelid) = w.printed)
         order by t.name, w.policy"
    ),
    rule!(
        Refuse,
        "permissive_policy",
        "select format('policy %I of table %s lets every row through', p.polname, t.name),
            format('drop policy %I on %s', p.polname, t.name)
         from tables t join pg_policy p on p.polrelid = t.oid
         where p.polpermissive and p.polname <> 'tenant_access'
           and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
         order by 1"
    ),
    rule!(
        Refuse,
        "tenant_column",
        "select format('column tenant_id of table %s is missing, may be null, or is not filled from the context', name),
            case when tenant is null then format('alter table %s add column tenant_id uuid not null', name)
                 else format('alter table %1$s alter column tenant_id set not null, alter column tenant_id set default current_setting(''app.tenant_id'')::uuid', name) end
         from tables
         where tenant is null or atttypid <> 'uuid'::regtype or not attnotnull
            or fallback is distinct from '(current_setting(''app.tenant_id''::text))::uuid'
         order by name"
    ),
    rule!(
        Refuse,
        "key",
        "select format('key %I of table %s does not begin with tenant_id, so it tells or reaches across tenants', k.conname, t.name),
            format('alter table %s drop constraint %I, add constraint %2$I %3$s', t.name, k.conname,
                regexp_replace(
                    regexp_replace(pg_get_constraintdef(k.oid), '\\(',
                        case k.contype when 'x' then '(tenant_id with =, ' else '(tenant_id, ' end),
                    '( REFERENCES [^(]+\\()', '\\1tenant_id, '))
         from tables t join pg_constraint k on k.conrelid = t.oid
         left join pg_attribute f on f.attrelid = k.confrelid and f.attname = 'tenant_id' and not f.attisdropped
         where k.contype in ('p', 'u', 'x', 'f') and k.conparentid = 0
           and (k.conkey[1] is distinct from t.tenant
             or k.contype = 'f' and k.confkey[1] is distinct from f.attnum)
         order by t.name, k.conname"
    ),
    rule!(
        Refuse,
        "unique_index",
        "select format('unique index %s of table %s does not begin with tenant_id, so it tells one tenant what another has', i.indexrelid::regclass, t.name),
            format('drop index %s; %s', i.indexrelid::regclass,
                regexp_replace(pg_get_indexdef(i.indexrelid), 'USING btree \\(', 'USING btree (tenant_id, '))
         from tables t join pg_index i on i.indrelid = t.oid
         where i.indisunique and i.indkey[0] is distinct from t.tenant
           and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
           and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
         order by 1"
    ),
    rule!(
        Refuse,
        "rewrite_rule",
        "select format('rule %I of table %s runs with the rights of its owner', w.rulename, t.name),
            format('drop rule %I on %s', w.rulename, t.name)
         from tables t join pg_rewrite w on w.ev_class = t.oid order by 1"
    ),
    rule!(
        Refuse,
        "dangerous_right",
        "select format('%s may %s table %s, which no policy covers', holder, privilege, name),
            format('revoke %s on %s from %s', privilege, name, holder)
         from rights
         where relkind in ('r', 'p') and privilege in ('truncate', 'references', 'trigger') and holder <> 'public'
         order by name, holder, privilege"
    ),
    rule!(
        Refuse,
        "public_right",
        "select distinct format('everybody has rights on %s', name), format('revoke all on %s from public', name)
         from rights where grantee = 0 order by 1"
    ),
    rule!(
        Refuse,
        "login_right",
        "select distinct format('the login %s has rights on %s by itself, without a tenant''s transaction', me.name, r.name),
            format('revoke all on %s from %s', r.name, me.name)
         from rights r join me on r.grantee = me.oid where r.role <> me.rolname order by 1"
    ),
    rule!(
        Refuse,
        "foreign_right",
        "select distinct format('role %s, which belongs to another tenant, has rights on %s', r.holder, r.name),
            format('revoke all on %s from %s', r.name, r.holder)
         from rights r join pg_roles o on o.oid = r.grantee
         where o.rolname <> r.role and (o.rolname = 'saas_shared' or o.rolname ~ '^t_[0-9a-f]{32}$')
         order by 1"
    ),
    rule!(
        Refuse,
        "moving_right",
        "select format('role %I may change tenant_id of table %s', t.role, t.name),
            format('revoke update on %1$s from %2$I; grant update (%3$s) on %1$s to %2$I', t.name, t.role,
                (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
                 where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                   and a.attname <> 'tenant_id' and a.attgenerated = ''))
         from tables t join pg_roles r on r.rolname = t.role
         where not r.rolsuper and t.tenant is not null and has_column_privilege(r.oid, t.oid, t.tenant, 'update')
         order by t.name"
    ),
    rule!(
        Refuse,
        "child_right",
        "select distinct format('%s has rights on %s, a part of another table, beside that table''s policies', r.holder, r.name),
            format('revoke all on %s from %s', r.name, r.holder)
         from rights r join tables t on t.oid = r.oid where t.is_child order by 1"
    ),
];
