//! What is refused, and what it says.

use saas_tenancy::migrate::{self, MigrateError, Migrations, Target};
use uuid::Uuid;

use super::CLUB;
use crate::database::server::{Db, connect, count, run};

/// Files that cannot be protected, and what the refusal says.
const UNSAFE: [(&[(&str, &str)], &str); 11] = [
    (
        &[("1_a", "create table a (id int primary key); insert into a values (1)")],
        "has rows already",
    ),
    (&[("1_a", "create table a (id int, tenant_id text)")], "must be of type uuid"),
    (&[("1_a", "create table a (id int, tenant_id uuid, unique (id, tenant_id))")], "leave it out"),
    (
        &[(
            "1_a",
            "create table a (id int primary key, b int references a (id) on update set null)",
        )],
        "on update set null",
    ),
    (
        &[(
            "1_a",
            "create table a (x int, y int, p int, q int, primary key (x, y), foreign key (p, q) references a (x, y) match full)",
        )],
        "match full",
    ),
    (
        &[(
            "1_a",
            "create table saas_ext.a (id int primary key); create table b (id int references saas_ext.a (id))",
        )],
        "points out of its schema",
    ),
    (
        &[("1_a", "create table a (id int); create rule r as on insert to a do instead nothing")],
        "use a trigger",
    ),
    (&[("1_a", "create view v as select 1 as one")], "security_invoker = true"),
    (
        &[("1_a", "create function f() returns int language sql security definer as 'select 1'")],
        "set search_path from current",
    ),
    (
        &[(
            "1_a",
            "create function f() returns int language sql set app.tenant_id = 'x' as 'select 1'",
        )],
        "sets the tenant itself",
    ),
    (
        &[("1_a", "create function f() returns int language sql leakproof as 'select 1'")],
        "leakproof",
    ),
];

#[tokio::test]
async fn what_cannot_be_made_safe_is_refused_with_the_remedy() {
    let db = Db::new().await;
    let mut conn = db.connect().await;
    for (files, wanted) in UNSAFE {
        let error = migrate::tenant_plane(&mut conn, Target::Shared, &Migrations::new(files)).await;
        let error = error.expect_err(files[0].1);
        assert!(matches!(error, MigrateError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(wanted), "{error}");
        let left = "select count(*) from pg_class where relnamespace = to_regnamespace('app')";
        assert_eq!(count(&mut conn, left).await, 0, "{error}");
    }
}

#[tokio::test]
async fn a_failed_file_is_named_with_its_line_and_leaves_nothing() {
    const WRONG: Migrations = Migrations::new(&[
        ("1_good", "create table good (id uuid primary key)"),
        ("2_wrong", "create table half (id uuid);\n\ncreate table wrong (id nonsense);"),
    ]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &WRONG).await.unwrap_err();
    assert_eq!(error.to_string(), "migration `2_wrong` failed in schema `app` at line 3");
    let standing = migrate::status(&mut conn, "app", &WRONG).await.unwrap();
    let applied: Vec<_> = standing.iter().map(|one| one.applied_at.is_some()).collect();
    assert_eq!(applied, [true, false]);
    assert_eq!(count(&mut conn, "select count(to_regclass('app.half'))").await, 0);
}

#[tokio::test]
async fn a_file_that_ends_its_transaction_is_refused() {
    const LEAVES: Migrations = Migrations::new(&[("1_a", "commit; create table a (id uuid)")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &LEAVES).await.unwrap_err();
    assert!(matches!(error, MigrateError::LeftTransaction { name: "1_a" }), "{error:?}");
}

#[tokio::test]
async fn history_that_does_not_fit_is_refused() {
    const ONE: Migrations = Migrations::new(&[("1_a", "select 1"), ("3_c", "select 3")]);
    const CHANGED: Migrations = Migrations::new(&[("1_a", "select 2"), ("3_c", "select 3")]);
    const OLDER: Migrations = Migrations::new(&[("1_a", "select 1")]);
    const BETWEEN: Migrations =
        Migrations::new(&[("1_a", "select 1"), ("2_b", "select 2"), ("3_c", "select 3")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    migrate::control_plane(&mut conn, "saas_tenancy", &ONE).await.unwrap();
    for (files, wanted) in [
        (CHANGED, "migration `1_a` was changed"),
        (OLDER, "has migration `3_c`, which this program does not know"),
        (BETWEEN, "migration `2_b` comes before `3_c`"),
    ] {
        let error = migrate::control_plane(&mut conn, "saas_tenancy", &files).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    assert_eq!(migrate::control_plane(&mut conn, "saas_tenancy", &ONE).await.unwrap(), []);
}

#[tokio::test]
async fn a_database_that_is_not_prepared_is_refused() {
    let db = Db::bare().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &CLUB).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotBootstrapped), "{error:?}");
}

#[tokio::test]
async fn a_change_of_data_by_a_role_under_policies_fails_instead_of_doing_nothing() {
    const FIX: Migrations = Migrations::new(&[
        ("1_a", "create table a (id uuid primary key, n int)"),
        ("2_b", "update a set n = 1"),
    ]);
    const FIRST: Migrations =
        Migrations::new(&[("1_a", "create table a (id uuid primary key, n int)")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    migrate::tenant_plane(&mut conn, Target::Shared, &FIRST).await.unwrap();
    let role = format!("weak_{}", Uuid::new_v4().simple());
    let sql = format!(
        "create role {role} login password 'weak'; grant saas_owner, saas_admin, saas_shared to {role};
         do $$ begin execute format('grant all on database %I to {role}', current_database()); end $$"
    );
    run(&mut conn, &sql).await;
    let options = db.admin.clone().username(&role).password("weak");
    let mut weak = connect(&options).await;
    let error = migrate::tenant_plane(&mut weak, Target::Shared, &FIX).await.unwrap_err();
    assert!(matches!(error, MigrateError::Failed { name: "2_b", .. }), "{error:?}");
}
