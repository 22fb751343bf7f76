//! Rings in memory, for a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use saas_core::Clock;

use super::ring::Ring;
use crate::vault::key::KeyOwner;

/// The longest that a key stays in memory without being looked up again.
pub(super) const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// How many rings are kept. When there is no room, the one that ends first goes.
const CAPACITY: usize = 2_000;

/// Rings in memory. What is dropped from it is wiped.
#[derive(Debug)]
pub(super) struct Cache {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    source: Source,
    /// Grows with everything that is forgotten, so that what was read before is not kept after.
    generation: u64,
    rings: HashMap<KeyOwner, Kept>,
}

/// Whether all changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Connected,
    CutOff,
}

#[derive(Debug)]
struct Kept {
    ring: Arc<Ring>,
    until: Duration,
}

/// The state of the cache when a read began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began(u64);

impl Cache {
    pub(super) fn new(clock: Clock) -> Self {
        let state = State { source: Source::Connected, generation: 0, rings: HashMap::new() };
        Self { clock, state: Mutex::new(state) }
    }

    pub(super) fn get(&self, owner: KeyOwner) -> Option<Arc<Ring>> {
        let now = self.clock.monotonic();
        let kept = self.state();
        let kept = kept.rings.get(&owner).filter(|kept| now < kept.until)?;
        Some(Arc::clone(&kept.ring))
    }

    /// To be called before the store is read.
    pub(super) fn begin(&self) -> Began {
        Began(self.state().generation)
    }

    /// Keeps what was read, unless something was forgotten meanwhile: it may be older than that.
    pub(super) fn keep(&self, owner: KeyOwner, ring: &Arc<Ring>, began: Began) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.source == Source::CutOff || state.generation != began.0 {
            return;
        }
        state.rings.retain(|_, kept| now < kept.until);
        if state.rings.len() >= CAPACITY {
            let first = state.rings.iter().min_by_key(|(_, kept)| kept.until);
            if let Some(owner) = first.map(|(owner, _)| *owner) {
                state.rings.remove(&owner);
            }
        }
        state.rings.insert(owner, Kept { ring: Arc::clone(ring), until: now + MAX_AGE });
    }

    pub(super) fn forget(&self, owner: KeyOwner) {
        let mut state = self.state();
        state.generation += 1;
        state.rings.remove(&owner);
    }

    /// Forgets all, and keeps from now on.
    pub(super) fn connect(&self) {
        self.reset(Source::Connected);
    }

    /// Forgets all, and keeps nothing.
    pub(super) fn cut_off(&self) {
        self.reset(Source::CutOff);
    }

    /// Wipes what is too old, even if nobody asks for it.
    pub(super) fn sweep(&self) {
        let now = self.clock.monotonic();
        self.state().rings.retain(|_, kept| now < kept.until);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.state().rings.len()
    }

    fn reset(&self, source: Source) {
        let mut state = self.state();
        state.generation += 1;
        state.source = source;
        state.rings.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use saas_core::{TenantId, clock::Hand};

    fn cache() -> (Cache, Hand) {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH);
        (Cache::new(clock), hand)
    }

    fn owner(cache: &Cache) -> KeyOwner {
        KeyOwner::Tenant(TenantId::generate(&cache.clock))
    }

    fn ring() -> Arc<Ring> {
        Arc::new(Ring::Destroyed)
    }

    #[test]
    fn a_ring_is_kept_for_five_minutes_and_then_wiped() {
        let (cache, hand) = cache();
        let owner = owner(&cache);
        cache.keep(owner, &ring(), cache.begin());
        hand.advance(MAX_AGE - Duration::from_secs(1));
        cache.sweep();
        assert!(cache.get(owner).is_some());
        hand.advance(Duration::from_secs(1));
        assert!(cache.get(owner).is_none());
        cache.sweep();
        assert_eq!(cache.len(), 0);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let (cache, _hand) = cache();
        let owner = owner(&cache);
        let began = cache.begin();
        cache.forget(owner);
        cache.keep(owner, &ring(), began);
        assert!(cache.get(owner).is_none());
    }

    #[test]
    fn nothing_is_kept_while_changes_may_be_missed() {
        let (cache, _hand) = cache();
        let owner = owner(&cache);
        cache.keep(owner, &ring(), cache.begin());
        cache.cut_off();
        assert!(cache.get(owner).is_none());
        cache.keep(owner, &ring(), cache.begin());
        assert!(cache.get(owner).is_none());
        let began = cache.begin();
        cache.connect();
        cache.keep(owner, &ring(), began);
        assert!(cache.get(owner).is_none(), "it was read before");
        cache.keep(owner, &ring(), cache.begin());
        assert!(cache.get(owner).is_some());
    }

    #[test]
    fn there_is_room_for_so_many_and_the_oldest_goes_first() {
        let (cache, hand) = cache();
        let first = owner(&cache);
        cache.keep(first, &ring(), cache.begin());
        hand.advance(Duration::from_millis(1));
        for _ in 0..CAPACITY {
            cache.keep(owner(&cache), &ring(), cache.begin());
        }
        assert_eq!(cache.len(), CAPACITY);
        assert!(cache.get(first).is_none());
    }
}
