//! Behind PgBouncer in transaction mode the next transaction may run on any server connection.

use saas_tenancy::{
    Isolation,
    db::{DatabaseOptions, Pooler},
};
use saas_tests::world::World;
use uuid::Uuid;

/// Transactions of each of the eight clients.
const TRANSACTIONS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_hundred_transactions_over_three_server_connections_stay_apart() {
    let options = DatabaseOptions::new().with_connections(8).with_pooler(Pooler::Transaction);
    let world = World::behind_pooler(options, 3).await;
    let mut clients = Vec::new();
    for n in 0..8 {
        let isolation = if n % 2 == 0 { Isolation::Shared } else { Isolation::Schema };
        let tenant = world.tenant(&format!("tenant-{n}"), isolation).await;
        let mut db = world.db(&tenant);
        world.write_notes(&mut db, n + 1).await;
        clients.push((n + 1, db));
    }
    let running: Vec<_> = clients
        .into_iter()
        .map(|(rows, mut db)| {
            tokio::spawn(async move {
                let own = db.scope().tenant().as_uuid();
                for _ in 0..TRANSACTIONS {
                    let mut tx = db.begin().await.unwrap();
                    let seen: Vec<Uuid> = sqlx::query_scalar("select tenant_id from notes")
                        .fetch_all(&mut tx)
                        .await
                        .unwrap();
                    assert_eq!(seen, vec![own; rows]);
                }
            })
        })
        .collect();
    for client in running {
        client.await.unwrap();
    }
}
