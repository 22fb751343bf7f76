//! A sound database passes, and every way to break it is found, named and repaired by its own fix.

use saas_tenancy::{
    Isolation, TenancyError,
    check::{self, Report, Severity},
    migrate::Target,
    placement::physical_name,
};
use sqlx::PgConnection;

use super::{
    migrate::{CLUB, migrated},
    provision::Fleet,
    server::{Db, connect, key, run},
};

/// A login like the application's, for tests that change it: the real one serves other tests.
async fn login_like_the_application(db: &Db, conn: &mut PgConnection) -> (String, PgConnection) {
    let role = format!("like_app_{}", uuid::Uuid::new_v4().simple());
    let sql = format!(
        "create role {role} login noinherit password 'like'; grant saas_shared to {role};
         do $$ begin execute format('grant connect on database %I to {role}', current_database()); end $$"
    );
    run(conn, &sql).await;
    let options = db.admin.clone().username(&role).password("like");
    (role, connect(&options).await)
}

fn broken(report: &Report) -> Vec<&'static str> {
    report.findings().iter().map(|finding| finding.rule).collect()
}

/// Breaks a sound database, sees the finding, and repairs it with what the finding says.
async fn found_and_repaired(
    admin: &mut PgConnection,
    app: &mut PgConnection,
    rule: &str,
    severity: Severity,
    mutant: &str,
) {
    run(admin, mutant).await;
    let report = check::server(app).await.unwrap();
    let found = report.findings().iter().find(|finding| finding.rule == rule);
    let found = found.unwrap_or_else(|| panic!("{rule} not in {:?}: {mutant}", broken(&report)));
    assert_eq!(found.severity, severity, "{mutant}");
    let refused = report.clone().into_result();
    assert_eq!(refused.is_err(), severity == Severity::Refuse, "{mutant}");
    if let Err(error) = refused {
        assert!(
            matches!(&error, TenancyError::Unsafe(text) if text.contains(&found.fix)),
            "{error}"
        );
    }
    for finding in report.findings() {
        run(admin, &finding.fix).await;
    }
    let repaired = check::server(app).await.unwrap();
    assert_eq!(repaired.findings(), [], "after the fix of {mutant}");
}

#[tokio::test]
async fn what_provisioning_makes_has_no_findings() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(CLUB);
    for isolation in Isolation::ALL {
        let wanted = Fleet::wanted(isolation.as_str(), isolation);
        let tenant = provisioner.provision(wanted).await.unwrap();
        let mut conn = match isolation {
            Isolation::Shared | Isolation::Schema => fleet.db.connect_app().await,
            Isolation::Database => {
                let name = physical_name(tenant.id);
                let password = key().password(&name);
                let password = secrecy::ExposeSecret::expose_secret(&password);
                let options = fleet.db.admin.clone().database(&name).username(&name);
                connect(&options.password(password)).await
            }
        };
        assert_eq!(check::server(&mut conn).await.unwrap().findings(), [], "{isolation}");
    }
}

/// Ways to break a table, and the rule that finds each.
const TABLE_MUTANTS: [(&str, &str); 26] = [
        ("rls_disabled", "alter table app.members disable row level security"),
        ("rls_not_forced", "alter table app.members no force row level security"),
        ("policy", "drop policy tenant_floor on app.members"),
        ("policy", "drop policy tenant_access on app.members"),
        ("policy", "alter policy tenant_floor on app.members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) or true)"),
        ("policy", "alter policy tenant_access on app.members with check (true)"),
        (
            "policy",
            "drop policy tenant_floor on app.members; create policy tenant_floor on app.members as restrictive using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))",
        ),
        (
            "policy",
            "drop policy tenant_floor on app.members; create policy tenant_floor on app.members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))",
        ),
        ("policy", "alter policy tenant_floor on app.members to saas_shared"),
        ("permissive_policy", "create policy open on app.members using (true)"),
        ("tenant_column", "alter table app.audit alter column tenant_id drop default"),
        ("tenant_column", "alter table app.bookings drop constraint bookings_pkey; alter table app.bookings alter column tenant_id drop not null"),
        ("key", "alter table app.members add constraint loose unique (email)"),
        ("key", "alter table app.members add constraint loose_exclusion exclude (email with =)"),
        ("key", "create table app.stray (id uuid primary key)"),
        (
            "key",
            "alter table app.audit add column m uuid; alter table app.members add constraint ids unique (id);
             alter table app.audit add constraint loose_link foreign key (m) references app.members (id)"
                ,
        ),
        ("unique_index", "create unique index loose_index on app.audit (note)"),
        ("rewrite_rule", "create rule loose as on delete to app.audit do instead nothing"),
        ("dangerous_right", "grant truncate on app.members to saas_shared"),
        ("dangerous_right", "grant trigger, references on app.members to saas_shared"),
        ("public_right", "grant select on app.members to public"),
        ("login_right", "grant select on app.members to saas_app"),
        ("moving_right", "grant update on app.members to saas_shared"),
        ("moving_right", "grant update (tenant_id) on app.members to saas_shared"),
        ("child_right", "grant select on app.events_old to saas_shared"),
        ("rls_disabled", "create table app.stray as select 1 as one"),
    ];

#[tokio::test]
async fn every_broken_table_is_found_and_repaired() {
    let (db, mut admin) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    assert_eq!(check::server(&mut app).await.unwrap().findings(), []);
    for (rule, mutant) in TABLE_MUTANTS {
        if mutant.contains("app.stray") {
            // Nobody can say how such a table should be; it is found, and migrations repair it.
            run(&mut admin, mutant).await;
            assert!(broken(&check::server(&mut app).await.unwrap()).contains(&rule), "{mutant}");
            run(&mut admin, "drop table app.stray").await;
        } else {
            found_and_repaired(&mut admin, &mut app, rule, Severity::Refuse, mutant).await;
        }
    }
}

/// Ways to break what stands beside tables.
const OBJECT_MUTANTS: [(&str, Severity, &str); 17] = [
    (
        "view",
        Severity::Refuse,
        "create or replace view app.good_members as select id from app.members where mood = 'good'",
    ),
    ("view", Severity::Refuse, "create view public.all_members as select id from app.members"),
    ("unprotected_relation", Severity::Refuse, "grant select on app.totals to saas_shared"),
    (
        "public_table",
        Severity::Refuse,
        "create table public.loose (id uuid); grant select on public.loose to saas_shared",
    ),
    (
        "definer_search_path",
        Severity::Refuse,
        "alter function app.count_members() reset search_path",
    ),
    (
        "definer_search_path",
        Severity::Refuse,
        "alter function app.count_members() set search_path = app",
    ),
    ("definer_owner", Severity::Refuse, "alter function app.count_members() owner to postgres"),
    ("definer_public", Severity::Refuse, "grant execute on function app.count_members() to public"),
    ("leakproof", Severity::Refuse, "alter function app.names() leakproof"),
    ("context_function", Severity::Refuse, "alter function app.names() set app.tenant_id = 'x'"),
    (
        "default_privileges",
        Severity::Warn,
        "alter default privileges in schema app grant select on tables to saas_shared",
    ),
    (
        "set_config",
        Severity::Warn,
        "grant execute on function pg_catalog.set_config(text, text, boolean) to public",
    ),
    (
        "open_function",
        Severity::Warn,
        "grant execute on function pg_cancel_backend(int), lo_create(oid) to public",
    ),
    ("database_right", Severity::Warn, "grant create on schema public to public"),
    (
        "database_right",
        Severity::Warn,
        "do $$ begin execute format('grant temporary, connect on database %I to public', current_database()); end $$",
    ),
    (
        "saved_context",
        Severity::Refuse,
        "do $$ begin execute format('alter database %I set app.tenant_id = %L', current_database(), 'x'); end $$",
    ),
    ("schema_rights", Severity::Refuse, "grant create on schema app to saas_shared"),
];

#[tokio::test]
async fn every_other_broken_object_is_found_and_repaired() {
    let (db, mut admin) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    for (rule, severity, mutant) in OBJECT_MUTANTS {
        found_and_repaired(&mut admin, &mut app, rule, severity, mutant).await;
    }
}

#[tokio::test]
async fn every_too_powerful_login_is_found_and_repaired() {
    let (db, mut admin) = migrated(Target::Shared).await;
    let (role, mut login) = login_like_the_application(&db, &mut admin).await;
    assert_eq!(check::server(&mut login).await.unwrap().findings(), []);
    let strong = format!("strong_{}", uuid::Uuid::new_v4().simple());
    run(&mut admin, &format!("create role {strong} bypassrls")).await;
    for (rule, mutant) in [
        ("superuser", format!("alter role {role} superuser")),
        ("bypassrls", format!("alter role {role} bypassrls")),
        ("row_security_inactive", format!("alter role {role} bypassrls")),
        ("powers", format!("alter role {role} createrole")),
        ("powers", format!("alter role {role} replication")),
        ("membership", format!("grant {strong} to {role}")),
        ("membership", format!("grant saas_owner to {role}")),
        ("membership", format!("grant saas_admin to {role}")),
        ("membership", format!("grant pg_read_all_data to {role}")),
        ("owner", format!("alter table app.members owner to {role}")),
        ("schema_rights", format!("alter schema app owner to {role}")),
        ("login_right", format!("grant select on app.members to {role}")),
        ("saved_context", format!("alter role {role} set app.tenant_id = 'x'")),
    ] {
        found_and_repaired(&mut admin, &mut login, rule, Severity::Refuse, &mutant).await;
    }
}

#[cfg(feature = "test-util")]
#[tokio::test]
async fn the_probe_crosses_only_where_the_wall_is_broken() {
    let (_db, mut admin) = migrated(Target::Shared).await;
    let sound = check::probe(&mut admin, Target::Shared).await.unwrap();
    let tables = [
        "audit",
        "bookings",
        "countries",
        "events",
        "members",
        "membership_types",
        "saas_audit",
        "saas_audit_seals",
    ];
    assert_eq!(sound.held, tables.map(|table| format!("app.{table}")), "{sound:?}");
    assert_eq!((sound.crossed, sound.unverified), (vec![], vec![]));
    let open = "for all to public using (true) with check (true)";
    for (mutant, how) in [
        ("alter table app.members disable row level security", "select"),
        (
            "alter policy tenant_access on app.members using (true); alter policy tenant_floor on app.members using (true)",
            "select",
        ),
        (
            "create policy d on app.members for delete using (true); alter policy tenant_floor on app.members using (true)",
            "delete",
        ),
    ] {
        let mut tx = sqlx::Connection::begin(&mut admin).await.unwrap();
        run(&mut tx, mutant).await;
        let seen = check::probe(&mut tx, Target::Shared).await.unwrap();
        assert_eq!(seen.crossed, [format!("app.members: {how}")], "{mutant}");
        tx.rollback().await.unwrap();
    }
    // Only adding is open: reading stays closed.
    let adding = format!(
        "drop policy tenant_floor on app.members; create policy p on app.members {}",
        open.replace("for all", "for insert").replace("using (true) ", "")
    );
    let mut tx = sqlx::Connection::begin(&mut admin).await.unwrap();
    run(&mut tx, &adding).await;
    let seen = check::probe(&mut tx, Target::Shared).await.unwrap();
    assert_eq!(seen.crossed, ["app.members: insert"]);
    tx.rollback().await.unwrap();
    run(&mut admin, "alter table app.audit add check (false) not valid").await;
    let vacuous = check::probe(&mut admin, Target::Shared).await.unwrap();
    assert!(vacuous.unverified[0].starts_with("app.audit: no row could be planted"), "{vacuous:?}");
}
