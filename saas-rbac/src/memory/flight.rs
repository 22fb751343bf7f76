use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

use crate::error::AccessError;

/// Questions under way, so that many at once ask the database once. One is shared only by those who
/// ask at the same generation: whoever asks after a change gets no answer from before it.
pub(super) struct Flights<K, V>(Mutex<Under<K, V>>);

type Under<K, V> = HashMap<(K, u64), Flight<V>>;

type Flight<V> = Arc<OnceCell<Result<V, Arc<AccessError>>>>;

impl<K: Eq + Hash + Copy, V: Clone> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Joins the question that is under way, or asks. If the one who asks goes away, another one who
    /// waits asks in its place.
    pub(super) async fn run(
        &self,
        key: K,
        generation: u64,
        load: impl Future<Output = Result<V, AccessError>>,
    ) -> Result<V, AccessError> {
        let seat = self.join((key, generation));
        let load = async { load.await.map_err(Arc::new) };
        let answer = seat.flight.get_or_init(|| load).await;
        answer.clone().map_err(|error| AccessError::Unavailable(Shared(error).into()))
    }

    fn join(&self, key: (K, u64)) -> Seat<'_, K, V> {
        let mut under = self.under();
        // What is over is not joined: it may be from before this question.
        let flight = match under.get(&key) {
            Some(flight) if !flight.initialized() => Arc::clone(flight),
            _ => {
                let flight = Flight::default();
                under.insert(key, Arc::clone(&flight));
                flight
            }
        };
        Seat { flights: self, key, flight }
    }

    fn under(&self) -> MutexGuard<'_, Under<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait; the last one to leave clears up.
struct Seat<'a, K: Eq + Hash + Copy, V: Clone> {
    flights: &'a Flights<K, V>,
    key: (K, u64),
    flight: Flight<V>,
}

impl<K: Eq + Hash + Copy, V: Clone> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut under = self.flights.under();
        // Places are taken under the same lock: the map and this one are two.
        let last = Arc::strong_count(&self.flight) == 2;
        if last && under.get(&self.key).is_some_and(|held| Arc::ptr_eq(held, &self.flight)) {
            under.remove(&self.key);
        }
    }
}

/// One failure for all who waited for it.
#[derive(Debug)]
struct Shared(Arc<AccessError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
