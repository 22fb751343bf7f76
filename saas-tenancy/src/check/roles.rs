//! The login of the application and the roles that it can assume.

use sqlx::PgConnection;

use super::{
    Finding, Severity,
    rule::{Rule, rule},
};

pub(super) const RULES: &[Rule] = &[
    rule!(
        Refuse,
        "superuser",
        "select format('role %s is a superuser, so no policy applies to it', name),
            format('alter role %s nosuperuser', name)
         from me where rolsuper"
    ),
    rule!(
        Refuse,
        "bypassrls",
        "select format('role %s bypasses row-level security', me.name),
            format('alter role %s nobypassrls', me.name)
         from me join pg_roles r using (oid) where r.rolbypassrls"
    ),
    rule!(
        Refuse,
        "powers",
        "select format('role %s has %s, with which it can become any other role or read all data', me.name, p.power),
            format('alter role %s no%s', me.name, p.power)
         from me join pg_roles r using (oid)
         cross join lateral (values ('createrole', r.rolcreaterole), ('replication', r.rolreplication)) p (power, held)
         where p.held and not me.rolsuper"
    ),
    rule!(
        Refuse,
        "membership",
        "select format('role %s is a member of %I, which may see every tenant', me.name, r.rolname),
            format('revoke %I from %s', r.rolname, me.name)
         from me join pg_roles r on r.oid <> me.oid and pg_has_role(me.oid, r.oid, 'member')
         where not me.rolsuper
           and (r.rolsuper or r.rolbypassrls or r.rolcreaterole
             or r.rolname in ('saas_owner', 'saas_admin', 'pg_read_all_data', 'pg_write_all_data',
                 'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
         order by r.rolname"
    ),
    rule!(
        Refuse,
        "owner",
        "select format('table %s belongs to %I, which the application can be, so it can switch its policies off', t.name, r.rolname),
            format('alter table %s owner to saas_owner', t.name)
         from tables t join pg_roles r on r.oid = t.relowner cross join me
         where not me.rolsuper and pg_has_role(me.oid, t.relowner, 'member')
         order by t.name"
    ),
    rule!(
        Refuse,
        "schema_rights",
        "select format('role %I may create objects in schema %s, or owns it', r.rolname, h.name),
            case when h.nspowner = r.oid then format('alter schema %s owner to saas_owner', h.name)
                 else format('revoke create on schema %s from public, %I', h.name, r.rolname) end
         from homes h cross join me
         join pg_roles r on r.oid = me.oid or r.rolname = h.role
         where not me.rolsuper and not r.rolsuper and has_schema_privilege(r.oid, h.oid, 'create')
         order by 1"
    ),
    rule!(
        Refuse,
        "row_security_inactive",
        "select format('policies do not apply to role %s on %s', me.name, string_agg(t.name, ', ' order by t.name)),
            format('alter role %s nosuperuser nobypassrls', me.name)
         from tables t cross join me where not row_security_active(t.oid)
           and t.relrowsecurity and not me.rolsuper
         group by me.name"
    ),
    rule!(
        Refuse,
        "saved_context",
        "select format('the setting %s is saved for %s, so new sessions begin as that tenant', split_part(c, '=', 1),
                case when s.setrole = 0 then 'all roles' else s.setrole::regrole::text end),
            case when s.setrole = 0 then format('alter database %I reset %s', d.datname, split_part(c, '=', 1))
                 when s.setdatabase = 0 then format('alter role %s reset %s', s.setrole::regrole, split_part(c, '=', 1))
                 else format('alter role %s in database %I reset %s', s.setrole::regrole, d.datname, split_part(c, '=', 1)) end
         from pg_db_role_setting s
         cross join lateral unnest(s.setconfig) c
         left join pg_database d on d.oid = s.setdatabase
         where c like 'app.%' and s.setrole in (0, (select oid from me))
           and (s.setdatabase = 0 or d.datname = current_database())"
    ),
];

/// Policies must apply to the role of the shared schema too, seen by being it.
pub(super) async fn shared_role(conn: &mut PgConnection) -> Result<Option<Finding>, sqlx::Error> {
    let assumable: bool = sqlx::query_scalar(
        "select coalesce(pg_has_role(session_user, to_regrole('saas_shared')::oid, 'member'), false)",
    )
    .fetch_one(&mut *conn)
    .await?;
    if !assumable {
        return Ok(None);
    }
    sqlx::raw_sql("set local role saas_shared").execute(&mut *conn).await?;
    let open: Option<String> = sqlx::query_scalar(
        "select string_agg(c.oid::regclass::text, ', ' order by 1) from pg_class c
         where c.relnamespace = to_regnamespace('app') and c.relkind in ('r', 'p')
           and c.relrowsecurity and not row_security_active(c.oid)",
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::raw_sql("set local role none").execute(conn).await?;
    Ok(open.map(|tables| Finding {
        rule: "row_security_inactive",
        severity: Severity::Refuse,
        what: format!("policies do not apply to role saas_shared on {tables}"),
        fix: "alter role saas_shared nosuperuser nobypassrls".to_owned(),
    }))
}
