use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

/// Lookups under way, so that many at once ask the backend once.
///
/// A lookup is shared only by those that ask for the same key at the same generation: whoever asks
/// after a change must not be given what was read before it.
pub(super) struct Flights<K, V>(Mutex<Waiting<K, V>>);

type Waiting<K, V> = HashMap<(K, u64), Arc<OnceCell<V>>>;

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Joins the lookup of `key` that is under way, or starts one.
    ///
    /// When the future that runs `load` is dropped, another one that waits runs its own. A lookup
    /// that is over is not joined.
    pub(super) async fn run(&self, key: &K, generation: u64, load: impl Future<Output = V>) -> V {
        let seat = self.join(key, generation);
        seat.cell.get_or_init(|| load).await.clone()
    }

    fn join(&self, key: &K, generation: u64) -> Seat<'_, K, V> {
        let key = (key.clone(), generation);
        let mut waiting = self.waiting();
        let cell = match waiting.get(&key) {
            Some(cell) if !cell.initialized() => Arc::clone(cell),
            _ => {
                let cell = Arc::default();
                waiting.insert(key.clone(), Arc::clone(&cell));
                cell
            }
        };
        Seat { flights: self, key, cell }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place on a lookup; the last one to leave clears it away.
struct Seat<'a, K: Eq + Hash + Clone, V: Clone> {
    flights: &'a Flights<K, V>,
    key: (K, u64),
    cell: Arc<OnceCell<V>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut waiting = self.flights.waiting();
        // Seats are taken under the same lock, so nobody can join between the count and the removal.
        let last = Arc::strong_count(&self.cell) == 2;
        let mine = |cell: &Arc<_>| Arc::ptr_eq(cell, &self.cell);
        if last && waiting.get(&self.key).is_some_and(mine) {
            waiting.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::join_all};
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::{Notify, Semaphore};

    #[tokio::test]
    async fn many_at_once_load_once_and_leave_nothing_behind() {
        let (flights, gate, loads) = (Flights::new(), Semaphore::new(0), AtomicU32::new(0));
        let load = || async {
            loads.fetch_add(1, Ordering::Relaxed);
            let _open = gate.acquire().await;
            7
        };
        let all = join_all((0..1000).map(|_| flights.run(&"acme", 0, load())));
        let (answers, ()) = tokio::join!(all, async { gate.add_permits(1) });
        assert!(answers.into_iter().all(|answer| answer == 7));
        assert_eq!(loads.into_inner(), 1);
        assert!(flights.waiting().is_empty());
    }

    #[tokio::test]
    async fn when_the_one_that_loads_is_cancelled_another_takes_over() {
        let flights = Flights::new();
        let mut first = Box::pin(flights.run(&"acme", 0, std::future::pending::<u32>()));
        assert_eq!(first.as_mut().now_or_never(), None);
        let mut second = Box::pin(flights.run(&"acme", 0, async { 2 }));
        assert_eq!(second.as_mut().now_or_never(), None, "it waits for the first");
        drop(first);
        assert_eq!(second.await, 2);
        assert!(flights.waiting().is_empty());
    }

    #[tokio::test]
    async fn a_lookup_of_an_older_generation_is_not_joined() {
        let flights = Flights::new();
        let mut old = Box::pin(flights.run(&"acme", 0, std::future::pending::<u32>()));
        assert_eq!(old.as_mut().now_or_never(), None);
        assert_eq!(flights.run(&"acme", 1, async { 2 }).now_or_never(), Some(2));
        drop(old);
        assert!(flights.waiting().is_empty());
    }

    #[tokio::test]
    async fn a_lookup_that_is_over_is_not_joined() {
        let (flights, gate) = (Flights::new(), Notify::new());
        let mut first = Box::pin(flights.run(&"acme", 0, gate.notified().map(|()| 1)));
        assert_eq!(first.as_mut().now_or_never(), None);
        let mut second = Box::pin(flights.run(&"acme", 0, async { 2 }));
        assert_eq!(second.as_mut().now_or_never(), None);
        gate.notify_one();
        assert_eq!(first.await, 1);
        assert_eq!(flights.run(&"acme", 0, async { 3 }).now_or_never(), Some(3));
        assert_eq!(second.await, 1, "it waited for the first");
        assert!(flights.waiting().is_empty());
    }
}
