//! What the application may do afterwards, and what it may not.

use saas_tenancy::migrate::Target;
use sqlx::PgConnection;

use super::{A, B, ID, enter, fill, migrated};
use crate::database::server::{code, count, run, texts, try_run};

#[tokio::test]
async fn tenants_see_and_change_only_their_own_rows() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    assert_eq!(count(&mut app, "select count(*) from members").await, 1);
    run(&mut app, "update members set first_name = 'x'; delete from members; commit").await;
    enter(&mut app, B).await;
    let names = texts(&mut app, "select first_name from members").await;
    assert_eq!(names, ["Zoë_100%"]);
}

#[tokio::test]
async fn without_a_context_nothing_is_seen_and_nothing_is_written() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    let denied = try_run(&mut app, "select from app.members").await.unwrap_err();
    assert_eq!(code(&denied), "42501", "the login itself has no rights");
    fill(&mut app).await;
    run(&mut app, "begin; set local role saas_shared").await;
    assert_eq!(count(&mut app, "select count(*) from app.members").await, 0);
    let lost = "insert into app.membership_types (id, name) values (gen_random_uuid(), 'x')";
    let error = try_run(&mut app, lost).await.unwrap_err();
    assert!(["42704", "22P02"].contains(&code(&error).as_str()), "{error}");
}

#[tokio::test]
async fn what_would_cross_tenants_is_refused() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    let only_b = "00000000-0000-7000-8000-0000000000b1";
    enter(&mut app, B).await;
    run(&mut app, &format!("insert into membership_types values ('{only_b}', 'b'); commit")).await;
    let cases = [
        // A reference to another tenant's row looks the same as one to no row.
        (format!("insert into members (id, membership_type_id, email) values (gen_random_uuid(), '{only_b}', 'q')"), "23503"),
        ("insert into members (id, membership_type_id, email) values (gen_random_uuid(), gen_random_uuid(), 'q')".to_owned(), "23503"),
        (format!("insert into members (id, membership_type_id, email) values (gen_random_uuid(), '{ID}', 'ANN@x.test')"), "23505"),
        (format!("insert into membership_types (id, name, tenant_id) values (gen_random_uuid(), 'x', '{B}')"), "42501"),
        (format!("update members set tenant_id = '{B}'"), "42501"),
        // A policy would let this through: the right to write the column is missing.
        ("update members set tenant_id = tenant_id".to_owned(), "42501"),
        ("truncate members".to_owned(), "42501"),
        ("select set_config('app.tenant_id', '', true)".to_owned(), "42501"),
        ("select lo_create(0)".to_owned(), "42501"),
        ("select from pg_stat_activity".to_owned(), "42501"),
        ("create temp table members (id uuid)".to_owned(), "42501"),
        ("create table app.mine (id uuid)".to_owned(), "42501"),
        ("create table public.mine (id uuid)".to_owned(), "42501"),
        ("alter table members disable row level security".to_owned(), "42501"),
        ("select from events_old".to_owned(), "42501"),
        ("select from totals".to_owned(), "42501"),
        ("select from saas_migrations".to_owned(), "42501"),
        ("select setval('tickets', 1)".to_owned(), "42501"),
        ("update audit set note = 'x'".to_owned(), "42501"),
        ("delete from audit".to_owned(), "42501"),
        ("insert into countries (code) values ('x')".to_owned(), "42501"),
        ("set local role saas_admin".to_owned(), "42501"),
        ("set local role saas_owner".to_owned(), "42501"),
    ];
    for (sql, wanted) in cases {
        assert_eq!(refused(&mut app, A, &sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn what_an_application_needs_is_allowed() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    run(
        &mut app,
        "insert into audit (id, at) values (gen_random_uuid(), now());
         insert into events (id, at, kind) values (gen_random_uuid(), '2026-11-21', 'x');
         insert into bookings (id, room, during) values (gen_random_uuid(), 1, '[2026-01-01,2026-01-02)');
         update members set mood = 'good', referred_by = id;
         select * from countries, good_members, names(), nextval('tickets');
         insert into members (id, membership_type_id, email) select id, membership_type_id, 'z' from members
             on conflict (tenant_id, id) do update set email = excluded.email",
    )
    .await;
    assert_eq!(count(&mut app, "select count_members()").await, 1);
    run(&mut app, "delete from members; commit").await;
}

/// The error code of a statement inside a tenant's transaction, which is rolled back.
async fn refused(conn: &mut PgConnection, tenant: &str, sql: &str) -> String {
    enter(conn, tenant).await;
    let outcome = try_run(conn, sql).await;
    run(conn, "rollback").await;
    code(&outcome.expect_err(sql))
}
