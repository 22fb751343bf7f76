//! What each isolation puts between two tenants, from the position of one of them.

use saas_tenancy::{Isolation, placement::physical_name};
use saas_tests::world::World;
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn each_tenant_sees_its_own_rows_in_every_isolation() {
    let world = World::new().await;
    let mut all = Vec::new();
    for (n, isolation) in Isolation::ALL.into_iter().cycle().take(6).enumerate() {
        let tenant = world.tenant(&format!("tenant-{n}"), isolation).await;
        let mut db = world.db(&tenant);
        world.write_notes(&mut db, n + 1).await;
        all.push((n + 1, db));
    }
    for (rows, db) in &mut all {
        let own = db.scope().tenant().as_uuid();
        let mut tx = db.begin().await.unwrap();
        let seen: Vec<uuid::Uuid> =
            sqlx::query_scalar("select tenant_id from notes").fetch_all(&mut tx).await.unwrap();
        assert_eq!(seen, vec![own; *rows]);
    }
}

#[tokio::test]
async fn rows_cannot_be_planted_at_or_moved_to_another_tenant() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let slug = isolation.as_str();
        let other = world.tenant(&format!("{slug}-other"), isolation).await;
        let mut db = world.db(&world.tenant(slug, isolation).await);
        world.write_notes(&mut db, 1).await;
        for (sql, code) in [
            ("insert into notes (tenant_id, body) values ($1, 'planted')", "42501"),
            ("update notes set tenant_id = $1", "42501"),
        ] {
            let mut tx = db.begin().await.unwrap();
            let done = sqlx::query(sql).bind(other.id.as_uuid()).execute(&mut tx).await;
            let error = done.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some(code), "{sql}");
        }
    }
}

#[tokio::test]
async fn another_tenants_schema_is_out_of_reach_by_name() {
    let world = World::new().await;
    let other = world.tenant("globex", Isolation::Schema).await;
    world.write_notes(&mut world.db(&other), 1).await;
    for isolation in [Isolation::Shared, Isolation::Schema] {
        let mut db = world.db(&world.tenant(isolation.as_str(), isolation).await);
        let mut tx = db.begin().await.unwrap();
        let sql = format!("select body from {}.notes", physical_name(other.id));
        let error = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut tx).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"));
    }
}

#[tokio::test]
async fn a_lost_context_fails_closed() {
    let world = World::new().await;
    world.write_notes(&mut world.db(&world.tenant("acme", Isolation::Shared).await), 1).await;
    let error = world
        .databases
        .outside_transactions("select count(*)::text from app.notes")
        .await
        .unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("permission denied"), "{source}");
}

#[tokio::test]
async fn a_server_that_was_restarted_is_used_again() {
    let world = World::new().await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    world.write_notes(&mut db, 1).await;
    world.kill_backends().await;
    world.write_notes(&mut db, 1).await;
}
