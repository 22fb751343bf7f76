//! Connections are few: one budget for a server, and one tenant cannot use them all up.

use std::time::Duration;

use saas_tenancy::{Isolation, TenancyError, db::DatabaseOptions};
use saas_tests::world::World;

#[tokio::test]
async fn a_tenant_that_fills_its_share_does_not_stop_another() {
    let options = DatabaseOptions::new()
        .with_connections(4)
        .with_tenant_share(2)
        .with_acquire_timeout(Duration::from_millis(200));
    let world = World::with_options(options).await;
    let greedy = world.tenant("greedy", Isolation::Shared).await;
    let (mut first, mut second, mut third) =
        (world.db(&greedy), world.db(&greedy), world.db(&greedy));
    let _held = (first.begin().await.unwrap(), second.begin().await.unwrap());
    assert!(matches!(third.begin().await, Err(TenancyError::Busy)));

    let mut modest = world.db(&world.tenant("modest", Isolation::Schema).await);
    modest.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_hundred_waiting_requests_of_one_tenant_do_not_delay_another() {
    let options = DatabaseOptions::new().with_connections(2).with_tenant_share(1);
    let world = World::with_options(options).await;
    let greedy = world.tenant("greedy", Isolation::Shared).await;
    let mut holder = world.db(&greedy);
    let held = holder.begin().await.unwrap();
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let mut db = world.db(&greedy);
            tokio::spawn(async move { db.begin().await.map(drop) })
        })
        .collect();

    let mut modest = world.db(&world.tenant("modest", Isolation::Shared).await);
    modest.begin().await.unwrap().commit().await.unwrap();
    assert!(waiting.iter().all(|one| !one.is_finished()), "they wait for their own tenant");

    held.commit().await.unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn databases_of_many_tenants_share_one_budget() {
    let world = World::with_options(DatabaseOptions::new().with_connections(2)).await;
    let mut tenants = Vec::new();
    for n in 0..4 {
        tenants.push(world.tenant(&format!("tenant-{n}"), Isolation::Database).await);
    }
    for round in 0..12 {
        world.write_notes(&mut world.db(&tenants[round % 4]), 1).await;
        let open = world.open_connections(&tenants).await;
        assert!(open <= 2, "{open} connections are open in round {round}");
    }
}
