//! Every statement of the application is one that the database understands.

use membership::{idempotency, members, membership_types};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::app::App;

#[tokio::test]
async fn every_statement_prepares_for_every_isolation() {
    let app = App::with_all_isolations().await;
    let statements =
        [members::statements(), membership_types::statements(), idempotency::statements()].concat();
    assert!(statements.len() > 100, "{}", statements.len());
    for tenant in ["acme", "globex", "initech"] {
        let mut db = app.tenant_db(tenant).await;
        let mut tx = db.begin().await.unwrap();
        for sql in &statements {
            assert!(!sql.contains("tenant_id"), "{sql}");
            let prepared = (&mut tx).prepare_with(AssertSqlSafe(sql.clone()).into_sql_str(), &[]);
            if let Err(error) = prepared.await {
                panic!("{error}\nin {sql}");
            }
        }
    }
}
