//! The chain follows the order of transactions, and nothing falls out of it.

use std::sync::Arc;

use chrono::TimeDelta;
use saas_tenancy::{
    Isolation,
    audit::{
        AuditLog, Sealer, SealerOptions, append,
        checkpoint::{CheckpointStore, MemoryCheckpoints},
    },
};
use std::time::Duration;

use super::{World, chained};
use crate::database::server::{count, run, texts};

#[tokio::test]
async fn a_slow_transaction_holds_up_the_chain_and_loses_nothing() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let (mut slow, mut db) = (world.open(&tenant), world.open(&tenant));
        let mut tx = slow.begin().await.unwrap();
        let entry = world.entry(tx.scope(), "slow");
        append(&mut tx, &entry).await.unwrap();
        world.write(&tenant, &["fast"]).await;
        let sealed = world.log.seal_now(&mut db).await.unwrap();
        assert_eq!((sealed.last, sealed.is_waiting), (0, true), "{isolation}");
        // What remembers the last id that it saw never sees the slow one.
        let mut outside = world.superuser(&tenant).await;
        let seen = "select max(id::text) from saas_audit";
        let seen = texts(&mut outside, seen).await.remove(0);
        tx.commit().await.unwrap();
        let by_id = format!("select count(*) from saas_audit where id > '{seen}'");
        assert_eq!(count(&mut outside, &by_id).await, 0);
        let all = "select count(*) from saas_audit";
        assert_eq!(count(&mut outside, all).await, 2);
        world.seal(&tenant, 2).await;
        assert_eq!(chained(&mut outside, &tenant).await, ["slow", "fast"], "{isolation}");
        assert!(world.log.verify(&mut db).await.unwrap().is_sound());
    }
}

#[tokio::test]
async fn an_entry_is_not_sealed_by_the_transaction_that_wrote_it() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let mut tx = db.begin().await.unwrap();
    let entry = world.entry(tx.scope(), "1");
    append(&mut tx, &entry).await.unwrap();
    let sealed: i32 = sqlx::query_scalar("select sealed from saas_audit_seal(10)")
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert_eq!(sealed, 0);
    tx.commit().await.unwrap();
    world.seal(&tenant, 1).await;
}

#[tokio::test]
async fn writers_and_sealers_at_once_make_one_chain_without_gaps() {
    let world = Arc::new(World::new().await);
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let writers = (0..4).map(|_| {
        let (world, tenant) = (Arc::clone(&world), tenant.clone());
        tokio::spawn(async move {
            let mut db = world.open(&tenant);
            for _ in 0..25 {
                world.write(&tenant, &["1"]).await;
                world.log.seal_now(&mut db).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    world.seal(&tenant, 100).await;
    let verdict = world.log.verify(&mut world.open(&tenant)).await.unwrap();
    assert_eq!((verdict.first_bad, verdict.checked), (None, 100));
}

#[tokio::test]
async fn entries_from_another_server_are_sealed_and_those_after_them_too() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Schema).await;
    world.write(&tenant, &["moved"]).await;
    let mut outside = world.superuser(&tenant).await;
    // A restored row keeps the number of a transaction that this server has not come to yet.
    run(
        &mut outside,
        "alter table saas_audit disable trigger user;
         update saas_audit set xid = '900000000000';
         select saas_audit_guard()",
    )
    .await;
    world.seal(&tenant, 1).await;
    world.write(&tenant, &["new", "newer"]).await;
    world.seal(&tenant, 3).await;
    assert_eq!(chained(&mut outside, &tenant).await, ["moved", "new", "newer"]);
}

#[tokio::test]
async fn a_log_that_was_changed_gets_no_new_signature() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Schema).await;
    let mut db = world.open(&tenant);
    world.write(&tenant, &["1", "2"]).await;
    world.seal(&tenant, 2).await;
    world.log.checkpoint_now(&mut db).await.unwrap();
    run(
        &mut world.superuser(&tenant).await,
        "alter table saas_audit_seals disable trigger user; delete from saas_audit_seals where seq = 2",
    )
    .await;
    // Sealed anew, the entry has another hash: the time of its sealing is part of it.
    world.seal(&tenant, 2).await;
    let error = world.log.checkpoint_now(&mut db).await.unwrap_err();
    assert!(matches!(error, saas_tenancy::audit::AuditError::Broken(2)), "{error}");
}

#[tokio::test]
async fn the_sealer_seals_and_signs_what_was_committed_and_stops_when_dropped() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let checkpoints = Arc::new(MemoryCheckpoints::new());
    let kept: Arc<dyn CheckpointStore> = checkpoints.clone();
    let key = saas_tenancy::audit::CheckpointKey::generate().unwrap();
    let log = AuditLog::new(world.databases.clone(), Arc::clone(&world.store), world.clock.clone())
        .with_checkpoints(key, kept);
    let options = SealerOptions::new()
        .with_interval(Duration::from_millis(10))
        .with_checkpoints(1, TimeDelta::zero());
    let sealer = Sealer::spawn(log, options);
    world.write(&tenant, &["1", "2", "3"]).await;
    let signed = async {
        loop {
            let all = checkpoints.all(tenant.id).await.unwrap();
            if all.last().is_some_and(|last| last.checkpoint.seq == 3) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), signed).await.unwrap();
    drop(sealer);
    assert!(world.log.verify(&mut world.open(&tenant)).await.unwrap().is_sound());
}
