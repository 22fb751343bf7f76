//! A tenant waits for its own share before it may wait for a connection, so that one tenant's
//! burst fills its own queue and not everybody's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use saas_core::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right of a tenant to use one connection.
pub(super) type Share = OwnedSemaphorePermit;

/// The shares of all tenants that are using connections.
#[derive(Debug)]
pub(super) struct Shares {
    size: usize,
    tenants: Mutex<Tenants>,
}

#[derive(Debug, Default)]
struct Tenants {
    known: HashMap<TenantId, Weak<Semaphore>>,
    sweep_at: usize,
}

/// Below this many entries the map is not worth sweeping.
const SWEEP_FLOOR: usize = 64;

impl Shares {
    /// Shares of `size` connections each.
    pub(super) fn new(size: usize) -> Self {
        Self { size, tenants: Mutex::default() }
    }

    /// Waits, first come first served within the tenant. `None` never happens while this lives.
    pub(super) async fn acquire(&self, tenant: TenantId) -> Option<Share> {
        self.of(tenant).acquire_owned().await.ok()
    }

    fn of(&self, tenant: TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = tenants.known.get(&tenant).and_then(Weak::upgrade) {
            return share;
        }
        if tenants.known.len() >= tenants.sweep_at.max(SWEEP_FLOOR) {
            tenants.known.retain(|_, share| share.strong_count() > 0);
            tenants.sweep_at = tenants.known.len() * 2;
        }
        let share = Arc::new(Semaphore::new(self.size));
        tenants.known.insert(tenant, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    fn tenant(n: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn one_tenants_full_share_does_not_stop_another() {
        let shares = Shares::new(2);
        let _held = [shares.acquire(tenant(1)).await, shares.acquire(tenant(1)).await];
        assert!(shares.acquire(tenant(1)).now_or_never().is_none());
        assert!(shares.acquire(tenant(2)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_share_that_is_given_back_is_free_again() {
        let shares = Shares::new(1);
        drop(shares.acquire(tenant(1)).await);
        assert!(shares.acquire(tenant(1)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn tenants_that_use_nothing_are_forgotten() {
        let shares = Shares::new(1);
        for n in 0..10_000 {
            drop(shares.acquire(tenant(n)).await);
        }
        assert!(shares.tenants.lock().unwrap().known.len() <= 2 * SWEEP_FLOOR);
    }
}
