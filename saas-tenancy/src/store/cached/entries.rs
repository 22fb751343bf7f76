use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use saas_core::{Clock, TenantId};

use super::{Loaded, flight::Flights};
use crate::{resolve::HostName, slug::Slug, tenant::Tenant};

/// How much is kept and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) capacity: u64,
    pub(super) ttl: Duration,
    pub(super) absent_ttl: Duration,
}

/// What the cache holds.
///
/// A tenant is held once, as the [`Slot`] under its id; slugs and domains point to the slot. A
/// pointer counts only while the id still holds the very same slot, so taking the id out takes out
/// every name of the tenant, also those that nobody remembers.
///
/// That a name leads nowhere is known for one generation only, because a change elsewhere tells
/// the tenant's id and not the names that it now has.
pub(super) struct Entries {
    pub(super) by_id: Names<TenantId>,
    pub(super) by_slug: Names<Slug>,
    pub(super) by_domain: Names<HostName>,
    clock: Clock,
    bounds: Bounds,
    /// Grows with every change that is heard of.
    generation: AtomicU64,
    /// The generation at which everything was forgotten last.
    cleared_at: AtomicU64,
    /// Whether changes elsewhere would be heard of.
    connected: AtomicBool,
    /// Held while entries are put in or taken out, so that no entry is put in after the change
    /// that should have taken it out.
    order: Mutex<()>,
}

/// What a tenant can be looked up by.
pub(super) trait Name: Eq + Hash + Clone + Send + Sync + 'static {}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Name for K {}

/// What is known under one kind of name.
pub(super) struct Names<K> {
    found: Cache<K, Arc<Slot>>,
    absent: Cache<K, Absent>,
    pub(super) flights: Flights<K, Loaded>,
}

struct Slot {
    tenant: Arc<Tenant>,
    generation: u64,
    expires: Duration,
}

#[derive(Clone, Copy)]
struct Absent {
    generation: u64,
    expires: Duration,
}

impl<K: Name> Names<K> {
    fn new(capacity: u64) -> Self {
        // Names that lead nowhere have room of their own: a flood of them pushes no tenant out.
        Self { found: Cache::new(capacity), absent: Cache::new(capacity), flights: Flights::new() }
    }

    #[cfg(test)]
    pub(super) fn absent_len(&self) -> u64 {
        self.absent.run_pending_tasks();
        self.absent.entry_count()
    }
}

impl Entries {
    pub(super) fn new(bounds: Bounds, clock: Clock) -> Self {
        Self {
            by_id: Names::new(bounds.capacity),
            by_slug: Names::new(bounds.capacity),
            by_domain: Names::new(bounds.capacity),
            clock,
            bounds,
            generation: AtomicU64::new(0),
            cleared_at: AtomicU64::new(0),
            connected: AtomicBool::new(true),
            order: Mutex::new(()),
        }
    }

    pub(super) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// What is known of `key`: a tenant, that there is none, or nothing.
    pub(super) fn get<K: Name>(&self, names: &Names<K>, key: &K) -> Option<Option<Arc<Tenant>>> {
        if !self.is_connected() {
            return None;
        }
        if let Some(slot) = names.found.get(key) {
            return self.is_current(&slot).then(|| Some(Arc::clone(&slot.tenant)));
        }
        let absent = names.absent.get(key)?;
        let current = absent.generation == self.generation();
        (current && self.clock.monotonic() < absent.expires).then_some(None)
    }

    fn is_current(&self, slot: &Arc<Slot>) -> bool {
        slot.generation >= self.cleared_at.load(Ordering::Acquire)
            && self.by_id.found.get(&slot.tenant.id).is_some_and(|held| Arc::ptr_eq(&held, slot))
            && self.clock.monotonic() < slot.expires
    }

    /// Keeps what was read of `key` since `began`, unless something changed in the meantime: then
    /// what was read may be from before the change.
    pub(super) fn keep<K: Name>(
        &self,
        names: &Names<K>,
        key: &K,
        tenant: Option<&Arc<Tenant>>,
        began: u64,
    ) {
        let now = self.clock.monotonic();
        let _order = self.in_order();
        if self.generation() != began {
            return;
        }
        if let Some(tenant) = tenant {
            let expires = now.saturating_add(self.bounds.ttl);
            let slot = self.slot(tenant, began, expires);
            names.found.insert(key.clone(), slot);
        } else {
            let expires = now.saturating_add(self.bounds.absent_ttl);
            names.found.invalidate(key);
            names.absent.insert(key.clone(), Absent { generation: began, expires });
        }
    }

    /// The slot that the tenant has, or a new one.
    fn slot(&self, tenant: &Arc<Tenant>, generation: u64, expires: Duration) -> Arc<Slot> {
        let held = self.by_id.found.get(&tenant.id);
        if let Some(slot) = held.filter(|held| self.is_current(held) && held.tenant == *tenant) {
            return slot;
        }
        let slot = Arc::new(Slot { tenant: Arc::clone(tenant), generation, expires });
        self.by_id.found.insert(tenant.id, Arc::clone(&slot));
        slot
    }

    /// Forgets a tenant under all its names, and every name that led nowhere.
    pub(super) fn forget(&self, id: TenantId) {
        let _order = self.in_order();
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.by_id.found.invalidate(&id);
    }

    /// From now on changes elsewhere are heard of. Those until now were not, so all is forgotten.
    pub(super) fn connect(&self) {
        let _order = self.in_order();
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        self.cleared_at.store(generation, Ordering::Release);
        self.connected.store(true, Ordering::Release);
    }

    /// From now on nothing is served from here, because changes elsewhere would go unnoticed.
    pub(super) fn disconnect(&self) {
        let _order = self.in_order();
        self.connected.store(false, Ordering::Release);
    }

    fn in_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Entries {
    /// Leaves the entries out: there may be thousands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("bounds", &self.bounds)
            .field("generation", &self.generation())
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
