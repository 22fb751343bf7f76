//! The tenant's context costs no round trip: a transaction with one query takes three.

use saas_tenancy::{Isolation, db::DatabaseOptions};
use saas_tests::world::World;

#[tokio::test]
async fn a_transaction_with_one_query_takes_three_round_trips_in_every_isolation() {
    let (world, proxy) = World::behind_proxy(DatabaseOptions::new()).await;
    for isolation in Isolation::ALL {
        let mut db = world.db(&world.tenant(isolation.as_str(), isolation).await);
        world.write_notes(&mut db, 1).await;
        // The first use of a statement on a connection prepares it, which takes one more.
        for expected in [3..=4, 3..=3, 3..=3] {
            proxy.take_round_trips();
            let mut tx = db.begin().await.unwrap();
            let one: String =
                sqlx::query_scalar("select body from notes").fetch_one(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            assert!(!one.is_empty());
            let taken = proxy.take_round_trips();
            assert!(expected.contains(&taken), "{isolation}: {taken}, not {expected:?}");
        }
    }
}

#[tokio::test]
async fn a_handle_that_does_not_begin_takes_no_connection() {
    let (world, proxy) = World::behind_proxy(DatabaseOptions::new()).await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    proxy.take_round_trips();
    drop(world.db(&tenant));
    assert_eq!(proxy.take_round_trips(), 0);
}
