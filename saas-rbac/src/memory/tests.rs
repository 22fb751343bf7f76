use std::sync::atomic::AtomicU32;

use chrono::{TimeZone, Utc};
use futures_util::{FutureExt, future::join_all};
use saas_core::clock::Hand;
use tokio::sync::Notify;
use uuid::Uuid;

use super::*;

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
const USER: UserId = UserId::from_uuid(Uuid::from_u128(2));
const OTHER: UserId = UserId::from_uuid(Uuid::from_u128(3));

type Members = Memory<(TenantId, UserId), u32>;

/// A memory that hears of changes, and how often the database was asked.
struct Bench {
    memory: Arc<Members>,
    changes: AccessChanges,
    hand: Hand,
    asked: AtomicU32,
}

impl Bench {
    fn new() -> Self {
        let (clock, hand) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).unwrap());
        let memory = Arc::new(Memory::new(100, clock));
        let changes = AccessChanges::of(&memory);
        changes.connected();
        Self { memory, changes, hand, asked: AtomicU32::new(0) }
    }

    async fn ask(&self, user: UserId, answer: u32) -> Option<u32> {
        let load = || async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok((answer != 0).then_some(answer))
        };
        self.memory.read((TENANT, user), load).await.unwrap().map(|value| *value)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn what_is_known_is_not_asked_again() {
    let bench = Bench::new();
    assert_eq!(bench.ask(USER, 1).await, Some(1));
    assert_eq!(bench.ask(USER, 2).await, Some(1));
    assert_eq!(bench.ask(OTHER, 0).await, None);
    assert_eq!(bench.ask(OTHER, 3).await, None, "that it is not there is known, too");
    assert_eq!(bench.asked(), 2);
}

#[tokio::test]
async fn a_change_of_the_tenant_or_the_person_ends_what_is_known() {
    let bench = Bench::new();
    for (answer, told) in [(1, format!("tenant:{TENANT}")), (2, format!("user:{USER}"))] {
        assert_eq!(bench.ask(USER, answer).await, Some(answer));
        bench.changes.changed(&told);
    }
    assert_eq!(bench.ask(USER, 3).await, Some(3));
    bench.changes.changed(&format!("user:{OTHER}"));
    for noise in ["", ":", "tenant:", "tenant:x", "keys", "session:1", "user"] {
        bench.changes.changed(noise);
    }
    assert_eq!(bench.ask(USER, 4).await, Some(3), "nothing of that was about it");
}

#[tokio::test]
async fn what_was_on_its_way_when_something_changed_is_not_kept() {
    let bench = Bench::new();
    let gate = Notify::new();
    let old = async {
        gate.notified().await;
        Ok(Some(1))
    };
    let mut early = Box::pin(bench.memory.read((TENANT, USER), || old));
    assert!(early.as_mut().now_or_never().is_none());
    bench.changes.changed(&format!("tenant:{TENANT}"));
    assert_eq!(bench.ask(USER, 2).await, Some(2), "it does not join the older question");
    gate.notify_one();
    assert_eq!(early.await.unwrap().as_deref(), Some(&1));
    assert_eq!(bench.ask(USER, 3).await, Some(2), "the older answer did not come back");
}

#[tokio::test]
async fn cut_off_it_asks_every_time_and_knows_nothing_afterwards() {
    let bench = Bench::new();
    assert_eq!(bench.ask(USER, 1).await, Some(1));
    bench.changes.disconnected();
    assert_eq!(bench.ask(USER, 2).await, Some(2));
    assert_eq!(bench.ask(USER, 3).await, Some(3));
    bench.changes.connected();
    assert_eq!(bench.ask(USER, 4).await, Some(4), "what was known before may have changed since");
    drop(bench.changes);
    assert_eq!(bench.memory.get(&(TENANT, USER)), None);
}

#[tokio::test]
async fn an_entry_ends_after_half_a_minute_whatever_is_told() {
    let bench = Bench::new();
    assert_eq!(bench.ask(USER, 1).await, Some(1));
    bench.hand.advance(LIFE - Duration::from_millis(1));
    assert_eq!(bench.ask(USER, 2).await, Some(1));
    bench.hand.advance(Duration::from_millis(1));
    assert_eq!(bench.ask(USER, 3).await, Some(3));
}

#[tokio::test]
async fn many_at_once_ask_once_and_share_the_failure() {
    let bench = Bench::new();
    let gate = Notify::new();
    let load = || async {
        bench.asked.fetch_add(1, Ordering::Relaxed);
        gate.notified().await;
        Err(AccessError::Unavailable("the server is away".into()))
    };
    let mut all = Box::pin(join_all((0..100).map(|_| bench.memory.read((TENANT, USER), load))));
    assert!(all.as_mut().now_or_never().is_none());
    gate.notify_one();
    for answer in all.await {
        assert!(matches!(answer, Err(AccessError::Unavailable(_))));
    }
    assert_eq!(bench.asked(), 1);
    assert_eq!(bench.ask(USER, 5).await, Some(5), "a failure is not kept");
}

#[tokio::test]
async fn a_flood_of_unknown_people_pushes_nobody_out() {
    let bench = Bench::new();
    assert_eq!(bench.ask(USER, 1).await, Some(1));
    for n in 10..2_000 {
        assert_eq!(bench.ask(UserId::from_uuid(Uuid::from_u128(n)), 0).await, None);
    }
    assert_eq!(bench.ask(USER, 2).await, Some(1));
    bench.memory.absent.run_pending_tasks();
    assert!(bench.memory.absent.entry_count() <= 100);
}
