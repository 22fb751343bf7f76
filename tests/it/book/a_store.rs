//! What `docs/src/extend/a_store.md` shows, with the memory store in the place of one's own.

use std::sync::Arc;

use saas_core::{Clock, TenantId};
use saas_tenancy::{
    TenantStore,
    store::{CachedTenantStore, Invalidations, MemoryTenantStore, conformance},
};

/// Stands for a store of the reader's own.
fn own_store(clock: Clock) -> impl TenantStore {
    MemoryTenantStore::new(clock)
}

// ANCHOR: conformance
#[tokio::test]
async fn the_store_keeps_the_contract() {
    let clock = Clock::system();
    conformance::run(&own_store(clock.clone()), &clock).await;
}
// ANCHOR_END: conformance

// ANCHOR: cached
/// A cache in front of `store`, and the handle for whoever hears of changes.
fn cached(store: impl TenantStore, clock: Clock) -> (Arc<dyn TenantStore>, Invalidations) {
    let (cache, changes) = CachedTenantStore::new(Arc::new(store), clock).with_invalidations();
    (Arc::new(cache), changes)
}

/// What the handle is told.
fn hear(changes: &Invalidations, tenants: &[TenantId]) {
    changes.connected();
    for tenant in tenants {
        changes.changed(*tenant);
    }
}
// ANCHOR_END: cached

#[tokio::test]
async fn the_store_keeps_the_contract_behind_the_cache() {
    let clock = Clock::system();
    let (store, changes) = cached(own_store(clock.clone()), clock.clone());
    conformance::run(&*store, &clock).await;
    hear(&changes, &[TenantId::generate(&clock)]);
    assert!(changes.is_connected());
    conformance::run(&*store, &clock).await;
}
