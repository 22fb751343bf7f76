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
            settled(&world).await;
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
async fn a_read_that_is_dropped_takes_two_because_its_end_rides_with_the_next_begin() {
    let (world, proxy) = World::behind_proxy(DatabaseOptions::new().with_connections(1)).await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    world.write_notes(&mut db, 1).await;
    let mut fewest = usize::MAX;
    // A pause of the machine between two reads lets the background end the first: then it is three.
    for _ in 0..50 {
        proxy.take_round_trips();
        let mut tx = db.begin().await.unwrap();
        sqlx::query("select body from notes").fetch_one(&mut tx).await.unwrap();
        drop(tx);
        fewest = fewest.min(proxy.take_round_trips());
    }
    assert_eq!(fewest, 2);
}

#[tokio::test]
async fn a_read_that_nobody_follows_is_ended_all_the_same() {
    let world = World::with_options(DatabaseOptions::new().with_connections(1)).await;
    let mut db = world.db(&world.tenant("acme", Isolation::Shared).await);
    world.write_notes(&mut db, 1).await;
    let mut tx = db.begin().await.unwrap();
    sqlx::query("select body from notes").fetch_one(&mut tx).await.unwrap();
    drop(tx);
    settled(&world).await;
}

/// Waits until nothing is left to be ended in the background.
async fn settled(world: &World) {
    for _ in 0..1_000 {
        if world.open_transactions().await == 0 {
            return;
        }
    }
    panic!("a transaction is still open");
}

#[tokio::test]
async fn a_handle_that_does_not_begin_takes_no_connection() {
    let (world, proxy) = World::behind_proxy(DatabaseOptions::new()).await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    proxy.take_round_trips();
    drop(world.db(&tenant));
    assert_eq!(proxy.take_round_trips(), 0);
}
