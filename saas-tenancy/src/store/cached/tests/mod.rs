mod probe;

use std::sync::atomic::Ordering;

use futures_util::{FutureExt, future::join_all};
use tokio::sync::Semaphore;

use self::probe::Bench;
use super::*;
use crate::{store::conformance, tenant::Status};

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn suspend() -> TenantChange {
    TenantChange { status: Some(Status::Suspended), ..TenantChange::default() }
}

fn status(tenant: Option<Arc<Tenant>>) -> Option<Status> {
    tenant.map(|tenant| tenant.status)
}

#[tokio::test]
async fn the_contract_is_kept() {
    let bench = Bench::new();
    conformance::run(&bench.cache(), &bench.clock).await;

    let (cut_off, _invalidations) = bench.cache().with_invalidations();
    conformance::run(&cut_off, &bench.clock).await;

    let (connected, invalidations) = bench.cache().with_invalidations();
    invalidations.connected();
    conformance::run(&connected, &bench.clock).await;

    conformance::run(&bench.cache().with_capacity(1), &bench.clock).await;
}

#[tokio::test]
async fn a_known_tenant_is_found_under_all_its_names_without_the_backend() {
    let bench = Bench::new();
    let cache = bench.cache();
    let tenant = bench.tenant("acme").await;
    let domain = bench.domain(tenant.id, "members.acme.example").await;
    for _ in 0..3 {
        assert_eq!(cache.by_slug(&tenant.slug).await.unwrap(), Some(tenant.clone()));
        assert_eq!(cache.by_domain(&domain.name).await.unwrap(), Some(tenant.clone()));
        assert_eq!(cache.by_id(tenant.id).await.unwrap(), Some(tenant.clone()));
    }
    assert_eq!(bench.lookups(), 2, "by slug and by domain; the id was known by then");
    assert_eq!(cache.cached_by_slug(&tenant.slug), Some(Some(tenant.clone())));
    assert_eq!(cache.cached_by_domain(&domain.name), Some(Some(tenant.clone())));
    assert_eq!(cache.cached_by_id(tenant.id), Some(Some(tenant)));
    assert_eq!(cache.cached_by_slug(&slug("globex")), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stampede_asks_the_backend_once() {
    let bench = Bench::new();
    let cache = Arc::new(bench.cache());
    let tenant = bench.tenant("acme").await;
    let lookups = (0..1000).map(|_| {
        let (cache, name) = (Arc::clone(&cache), tenant.slug.clone());
        tokio::spawn(async move { cache.by_slug(&name).await.unwrap() })
    });
    for found in join_all(lookups).await {
        assert_eq!(found.unwrap(), Some(tenant.clone()));
    }
    assert_eq!(bench.lookups(), 1);
}

#[tokio::test]
async fn a_stampede_on_a_closed_gate_asks_the_backend_once() {
    let bench = Bench::new();
    let cache = bench.cache();
    bench.close_gate();
    let name = slug("acme");
    let mut all = Box::pin(join_all((0..1000).map(|_| cache.by_slug(&name))));
    assert!(all.as_mut().now_or_never().is_none());
    bench.open_gate();
    assert!(all.await.into_iter().all(|found| found.unwrap().is_none()));
    assert_eq!(bench.lookups(), 1);
}

#[tokio::test]
async fn unknown_names_are_remembered_for_a_short_while() {
    let bench = Bench::new();
    let cache = bench.cache().with_absent_ttl(Duration::from_secs(5));
    for _ in 0..10 {
        assert_eq!(cache.by_slug(&slug("nobody")).await.unwrap(), None);
    }
    assert_eq!(bench.lookups(), 1);
    bench.hand.advance(Duration::from_secs(5));
    assert_eq!(cache.cached_by_slug(&slug("nobody")), None);
    bench.tenant("nobody").await;
    assert!(cache.by_slug(&slug("nobody")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_flood_of_unknown_names_is_bounded_and_pushes_no_tenant_out() {
    let bench = Bench::new();
    let cache = bench.cache().with_capacity(100);
    let tenant = bench.tenant("acme").await;
    cache.by_slug(&tenant.slug).await.unwrap();
    for n in 0..5_000 {
        cache.by_slug(&slug(&format!("unknown-{n}"))).await.unwrap();
    }
    assert_eq!(cache.cached_by_slug(&tenant.slug), Some(Some(tenant)));
    assert!(cache.entries.by_slug.absent_len() <= 100);
}

#[tokio::test]
async fn an_entry_ends_even_when_no_change_was_told() {
    let bench = Bench::new();
    let cache = bench.cache().with_ttl(Duration::from_secs(60));
    let tenant = bench.tenant("acme").await;
    cache.by_slug(&tenant.slug).await.unwrap();
    bench.probe.update(tenant.id, suspend(), None).await.unwrap();
    bench.hand.advance(Duration::from_secs(59));
    assert_eq!(status(cache.by_slug(&tenant.slug).await.unwrap()), Some(Status::Trial));
    bench.hand.advance(Duration::from_secs(1));
    assert_eq!(status(cache.by_slug(&tenant.slug).await.unwrap()), Some(Status::Suspended));
}

#[tokio::test]
async fn a_failure_reaches_all_who_wait_and_is_not_kept() {
    let bench = Bench::new();
    let cache = bench.cache();
    let tenant = bench.tenant("acme").await;
    bench.probe.failing.store(1, Ordering::SeqCst);
    bench.close_gate();
    let mut all = Box::pin(join_all((0..10).map(|_| cache.by_slug(&tenant.slug))));
    assert!(all.as_mut().now_or_never().is_none());
    bench.open_gate();
    for failed in all.await {
        let error = failed.unwrap_err();
        assert!(matches!(error, TenancyError::Store(_)), "{error:?}");
        assert_eq!(error.source().unwrap().to_string(), "the backend is away");
    }
    assert_eq!(cache.by_slug(&tenant.slug).await.unwrap(), Some(tenant));
    assert_eq!(bench.lookups(), 2);
}

#[tokio::test]
async fn a_lookup_that_a_change_overtakes_does_not_bring_the_old_state_back() {
    let bench = Bench::new();
    let cache = bench.cache();
    let tenant = bench.tenant("acme").await;
    bench.close_gate();
    let mut slow = cache.by_slug(&tenant.slug);
    assert!(slow.as_mut().now_or_never().is_none(), "it has read, and waits");

    cache.update(tenant.id, suspend(), None).await.unwrap();
    let mut late = cache.by_slug(&tenant.slug);
    assert!(late.as_mut().now_or_never().is_none(), "it asks for itself");
    bench.open_gate();
    assert_eq!(status(slow.await.unwrap()), Some(Status::Trial), "it began before the change");
    assert_eq!(cache.cached_by_slug(&tenant.slug), None, "and is not kept");
    assert_eq!(status(late.await.unwrap()), Some(Status::Suspended));
    assert_eq!(status(cache.by_slug(&tenant.slug).await.unwrap()), Some(Status::Suspended));
}

#[tokio::test]
async fn a_change_that_is_cancelled_counts_as_made() {
    let bench = Bench::new();
    let cache = bench.cache();
    let tenant = bench.tenant("acme").await;
    cache.by_slug(&tenant.slug).await.unwrap();
    bench.probe.update_gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut change = cache.update(tenant.id, suspend(), None);
    assert!(change.as_mut().now_or_never().is_none(), "made, but not confirmed");
    drop(change);
    assert_eq!(status(cache.by_slug(&tenant.slug).await.unwrap()), Some(Status::Suspended));
}

#[tokio::test]
async fn a_change_that_is_told_takes_out_every_name_of_the_tenant_and_no_other() {
    let bench = Bench::new();
    let (cache, invalidations) = bench.cache().with_invalidations();
    invalidations.connected();
    let (acme, globex) = (bench.tenant("acme").await, bench.tenant("globex").await);
    let domain = bench.domain(acme.id, "members.acme.example").await;
    cache.by_slug(&acme.slug).await.unwrap();
    cache.by_domain(&domain.name).await.unwrap();
    cache.by_slug(&globex.slug).await.unwrap();
    cache.by_slug(&slug("initech")).await.unwrap();

    bench.probe.update(acme.id, suspend(), None).await.unwrap();
    invalidations.changed(acme.id);
    assert_eq!(cache.cached_by_slug(&acme.slug), None);
    assert_eq!(cache.cached_by_domain(&domain.name), None);
    assert_eq!(cache.cached_by_id(acme.id), None);
    assert_eq!(cache.cached_by_slug(&slug("initech")), None, "it may lead somewhere now");
    assert_eq!(cache.cached_by_slug(&globex.slug), Some(Some(globex)));

    cache.by_id(acme.id).await.unwrap();
    assert_eq!(cache.cached_by_domain(&domain.name), None, "the domain may be given up");
}

#[tokio::test]
async fn while_changes_would_be_missed_every_lookup_reads_the_backend() {
    let bench = Bench::new();
    let (cache, invalidations) = bench.cache().with_invalidations();
    let tenant = bench.tenant("acme").await;
    let look = async || status(cache.by_slug(&tenant.slug).await.unwrap());
    assert!(!invalidations.is_connected(), "it starts cut off");
    look().await;
    look().await;
    assert_eq!(bench.lookups(), 2);

    invalidations.connected();
    assert_eq!(look().await, Some(Status::Trial));
    invalidations.disconnected();
    bench.probe.update(tenant.id, suspend(), None).await.unwrap();
    assert_eq!(look().await, Some(Status::Suspended), "it was not told, so it asks");
    assert_eq!(cache.cached_by_slug(&tenant.slug), None);

    invalidations.connected();
    assert_eq!(cache.cached_by_slug(&tenant.slug), None, "what was kept before is forgotten");
    assert_eq!(look().await, Some(Status::Suspended));
    assert!(cache.cached_by_slug(&tenant.slug).is_some());
}

#[tokio::test]
async fn a_lookup_from_before_the_reconnect_is_not_kept() {
    let bench = Bench::new();
    let (cache, invalidations) = bench.cache().with_invalidations();
    let tenant = bench.tenant("acme").await;
    bench.close_gate();
    let mut slow = cache.by_slug(&tenant.slug);
    assert!(slow.as_mut().now_or_never().is_none());
    bench.probe.update(tenant.id, suspend(), None).await.unwrap();
    invalidations.connected();
    bench.open_gate();
    assert_eq!(status(slow.await.unwrap()), Some(Status::Trial));
    assert_eq!(status(cache.by_slug(&tenant.slug).await.unwrap()), Some(Status::Suspended));
}

#[tokio::test]
async fn a_source_that_is_gone_leaves_the_cache_cut_off() {
    let bench = Bench::new();
    let (cache, invalidations) = bench.cache().with_invalidations();
    invalidations.connected();
    let tenant = bench.tenant("acme").await;
    cache.by_slug(&tenant.slug).await.unwrap();
    drop(invalidations);
    assert_eq!(cache.cached_by_slug(&tenant.slug), None);
}
