//! A tenant's transaction takes statements on rows and nothing that could leave it.

use saas_tenancy::{Isolation, TenancyError};
use saas_tests::world::World;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

/// Why sqlx says a statement was refused.
fn refusal(error: &sqlx::Error) -> Option<&TenancyError> {
    match error {
        sqlx::Error::Encode(source) => source.downcast_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn the_simple_protocol_is_refused() {
    let world = World::new().await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    let mut tx = db.begin().await.unwrap();
    for sql in ["select 1", "select 1; reset role; select 2"] {
        let raw = sqlx::raw_sql(sql).execute(&mut tx).await.unwrap_err();
        assert!(matches!(refusal(&raw), Some(TenancyError::SimpleProtocol)), "{raw}");
        let plain = (&mut tx).execute(sql).await.unwrap_err();
        assert!(matches!(refusal(&plain), Some(TenancyError::SimpleProtocol)), "{plain}");
    }
}

#[tokio::test]
async fn transaction_control_and_settings_are_refused_before_they_are_sent() {
    let world = World::new().await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    let mut tx = db.begin().await.unwrap();
    for sql in ["commit", "rollback", "savepoint a", "set role saas_admin", "reset all", "do '1'"] {
        let error = sqlx::query(sql).execute(&mut tx).await.unwrap_err();
        assert!(
            matches!(refusal(&error), Some(TenancyError::StatementRefused(_))),
            "{sql}: {error}"
        );
        let error = (&mut tx).prepare(AssertSqlSafe(sql).into_sql_str()).await.unwrap_err();
        assert!(refusal(&error).is_some(), "{sql}: {error}");
    }
    // Nothing reached the server, so the transaction goes on.
    sqlx::query("select 1").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_injected_expression_cannot_change_the_tenant() {
    let world = World::new().await;
    let other = world.tenant("globex", Isolation::Shared).await;
    world.write_notes(&mut world.db(&other), 3).await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    let injected = format!(
        "select body from notes where body = '' union all
         select set_config('app.tenant_id', '{}', true) union all select body from notes",
        other.id
    );
    let mut tx = db.begin().await.unwrap();
    let error = sqlx::query(AssertSqlSafe(injected)).fetch_all(&mut tx).await.unwrap_err();
    assert_eq!(
        error.as_database_error().and_then(|error| error.code()).as_deref(),
        Some("42501"),
        "set_config must be denied: {error}"
    );
}

#[tokio::test]
async fn stacked_statements_are_refused_by_the_protocol() {
    let world = World::new().await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    let mut tx = db.begin().await.unwrap();
    let error = sqlx::query("select 1; reset role").execute(&mut tx).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42601"));
}
