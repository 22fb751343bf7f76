//! The operator's commands, as the program that they are, on a server that somebody else runs.

use std::process::Output;

use membership::boot::migrations::TENANT_PLANE;
use saas_tenancy::db::DatabaseOptions;
use saas_tests::{
    server::Server,
    world::{Plane, World},
};
use serde_json::Value;
use sqlx::ConnectOptions;
use tokio::process::Command;

use crate::app::owners;

const MEMBERSHIP: Plane = Plane { name: "membership", migrations: TENANT_PLANE };

/// The key of the world's roles, as `SAAS_SECRET_KEY` has it.
const KEY: [&str; 32] = ["07"; 32];

/// What `doctor` answers when there is nothing to say, not even a warning.
const WELL: &str = "all is well: the database keeps tenants apart\n";

/// How the program reaches a database.
struct Operator {
    world: World,
    app: String,
    admin: String,
}

impl Operator {
    /// With all tables.
    async fn new() -> Self {
        let world = World::of(MEMBERSHIP, DatabaseOptions::new()).await;
        owners::make_tables(&world).await;
        let app = world.app_options().to_url_lossy().into();
        let admin = world.server().superuser(world.database()).to_url_lossy().into();
        Self { world, app, admin }
    }

    /// Before the first migration.
    async fn of_an_empty_database() -> Self {
        let Self { world, .. } = Self::new().await;
        let empty = world.server().clone_of("template0").await;
        let app = world.app_options().database(&empty).to_url_lossy().into();
        let admin = world.server().superuser(&empty).to_url_lossy().into();
        Self { world, app, admin }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_membership"));
        command.args(line.split(' ')).env_clear();
        command.env("DATABASE_URL", &self.app).env("ADMIN_DATABASE_URL", &self.admin);
        command.env("SAAS_SECRET_KEY", KEY.concat());
        command
    }

    async fn run(&self, line: &str) -> Done {
        self.command(line).output().await.unwrap().into()
    }

    /// What a query says that yields one text.
    async fn text(&self, sql: &'static str) -> String {
        let mut conn = Server::get().await.connect(self.world.database()).await;
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
    }
}

/// How a command ended, and what it said.
#[derive(Debug)]
struct Done {
    code: i32,
    answer: String,
    error: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        Self { code, answer: text(output.stdout), error: text(output.stderr) }
    }
}

#[tokio::test]
async fn doctor_finds_what_is_unsafe_and_its_sql_repairs_it() {
    let operator = Operator::new().await;
    assert_eq!(operator.run("doctor").await.code, 0);
    let world = &operator.world;
    world.as_superuser("alter table app.members no force row level security").await;
    world.as_superuser("create policy open on app.members for select using (true)").await;

    let found = operator.run("doctor --json").await;
    assert_eq!(found.code, 4, "{found:?}");
    let answer: Value = serde_json::from_str(&found.answer).unwrap();
    let faults = answer["faults"].as_array().unwrap().iter();
    let fixes: Vec<_> = faults.map(|fault| fault["fix"].as_str().unwrap()).collect();
    for fix in
        ["alter table app.members force row level security;", "drop policy open on app.members;"]
    {
        assert!(fixes.contains(&fix), "{fixes:?}");
    }
    world.as_superuser(&fixes.join("\n")).await;
    let repaired = operator.run("doctor").await;
    assert_eq!((repaired.code, &*repaired.answer), (0, WELL), "{repaired:?}");
}

#[tokio::test]
async fn the_start_refuses_an_unsafe_database() {
    let operator = Operator::new().await;
    operator.world.as_superuser("alter table app.members disable row level security").await;
    // Without an administrator nothing is prepared, so no roles of other tests are touched.
    let mut start = operator.command("serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0");
    let refused: Done = start.env_remove("ADMIN_DATABASE_URL").output().await.unwrap().into();
    assert_eq!(refused.code, 4, "{refused:?}");
    let all = refused.answer + &refused.error;
    assert!(all.contains("alter table app.members enable row level security;"), "{all}");
}

#[tokio::test]
async fn before_the_first_migration_a_command_says_what_to_run() {
    let operator = Operator::of_an_empty_database().await;
    let refused = operator.run("tenant list").await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.error.contains("`membership migrate run --all`"), "{refused:?}");
    assert_eq!(operator.run("doctor").await.code, 4);

    let planned = operator.run("migrate run --all --dry-run").await;
    assert!(planned.code == 0 && planned.answer.contains("0001_members"), "{planned:?}");
    let standing = operator.run("migrate status").await.answer;
    assert_eq!(standing, planned.answer);
    assert!(!standing.contains("applied"), "{standing}");
}

#[tokio::test]
async fn without_an_administrator_a_command_asks_for_one() {
    let operator = Operator::new().await;
    for line in ["tenant list", "tenant suspend acme", "migrate status"] {
        let mut command = operator.command(line);
        let refused: Done = command.env_remove("ADMIN_DATABASE_URL").output().await.unwrap().into();
        assert_eq!(refused.code, 3, "{line}: {refused:?}");
        assert!(refused.error.contains("set `ADMIN_DATABASE_URL`"), "{refused:?}");
    }
    let mut doctor = operator.command("doctor");
    let checked: Done = doctor.env_remove("ADMIN_DATABASE_URL").output().await.unwrap().into();
    assert!(checked.code == 0 && checked.answer.contains("not looked at"), "{checked:?}");
}

#[tokio::test]
async fn a_wrong_password_of_the_application_is_told_from_the_administrators() {
    let mut operator = Operator::new().await;
    let options = operator.world.app_options().password("wrong");
    operator.app = options.to_url_lossy().into();
    let refused = operator.run("doctor").await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.error.contains("`alter role saas_app login password"), "{refused:?}");
    assert!(!refused.error.contains("administrator"), "{refused:?}");
}

#[tokio::test]
async fn the_demo_data_comes_once_and_leaves_the_index_for_searches_as_it_was() {
    let operator = Operator::new().await;
    let options =
        "select reloptions::text from pg_class where oid = 'app.members_search_idx'::regclass";
    let before = operator.text(options).await;
    assert!(before.contains("fastupdate=off"), "{before}");
    for added in [400, 0] {
        let loaded = operator.run("seed --members 400 --json").await;
        assert_eq!(loaded.code, 0, "{loaded:?}");
        let answer: Value = serde_json::from_str(&loaded.answer).unwrap();
        assert_eq!(answer[0]["added"], added, "{answer}");
        assert_eq!(operator.text(options).await, before);
    }
    // The planner knows of them, as soon as they can be asked for: the 400, and hooli's 300.
    let known = "select reltuples::text from pg_class where oid = 'app.members'::regclass";
    assert_eq!(operator.text(known).await, "700");
}
