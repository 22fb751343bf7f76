//! Connections are few: one budget for a server, and one tenant cannot use them all up.

use std::time::Duration;

use saas_tenancy::{
    Isolation, TenancyError,
    db::{DatabaseOptions, TenantDb, TenantTx},
};
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

#[tokio::test]
async fn a_burst_waits_for_its_tenants_connection_before_it_closes_another_tenants() {
    let options = DatabaseOptions::new().with_connections(2).with_tenant_share(2);
    let world = World::with_options(options).await;
    let bursting = world.tenant("bursting", Isolation::Database).await;
    let quiet = world.tenant("quiet", Isolation::Database).await;
    let of_quiet = backend(&mut world.db(&quiet)).await;

    let mut first = world.db(&bursting);
    let mut tx = first.begin().await.unwrap();
    let of_bursting = backend_of(&mut tx).await;
    let mut second = world.db(&bursting);
    let second = tokio::spawn(async move { backend(&mut second).await });
    // It runs until it has to wait.
    tokio::task::yield_now().await;
    drop(tx);

    assert_eq!(second.await.unwrap(), of_bursting, "it took the one that came back");
    assert_eq!(backend(&mut world.db(&quiet)).await, of_quiet, "the other tenant kept its own");
}

#[tokio::test]
async fn a_tenant_whose_connection_does_not_come_back_gets_another_one() {
    let options = DatabaseOptions::new().with_connections(2).with_tenant_share(2);
    let world = World::with_options(options).await;
    let long = world.tenant("long", Isolation::Database).await;
    let quiet = world.tenant("quiet", Isolation::Database).await;
    backend(&mut world.db(&quiet)).await;

    let mut first = world.db(&long);
    let mut held = first.begin().await.unwrap();
    let of_first = backend_of(&mut held).await;
    assert_ne!(backend(&mut world.db(&long)).await, of_first);
    drop(held);
}

/// The process of the server that serves the next transaction.
async fn backend(db: &mut TenantDb) -> i32 {
    backend_of(&mut db.begin().await.unwrap()).await
}

async fn backend_of(tx: &mut TenantTx<'_>) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(tx).await.unwrap()
}
