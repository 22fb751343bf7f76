//! What a process remembers of the database until it hears that it changed.
//!
//! 1. It begins cut off. While it is, every question goes to the database: changes could be missed.
//! 2. An entry depends on topics, such as a tenant and a person. A change of one of them ends the
//!    entry, and so does half a minute, should a change never be told.
//! 3. An answer that was on its way when anything changed is given to whoever asked before, and not
//!    kept: it may be from before the change.
//! 4. Many who ask for the same at once ask the database once. Failures are never kept.
//! 5. That something is not there is remembered until anything changes, in room of its own: a flood
//!    of unknown names pushes nothing out.

mod flight;

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
use saas_core::{ApiKeyId, Clock, TenantId, UserId};
use saas_tenancy::store::ChangeSink;

use self::flight::Flights;
use crate::{error::AccessError, schema::CHANNEL};

/// How long an entry lasts in any case.
const LIFE: Duration = Duration::from_secs(30);

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Tenant(TenantId),
    User(UserId),
    Key(ApiKeyId),
}

impl Topic {
    /// What the tables tell: `tenant:ID`, `user:ID`, `key:ID`. Anything else is for others.
    fn parse(payload: &str) -> Option<Self> {
        let (kind, id) = payload.split_once(':')?;
        match kind {
            "tenant" => id.parse().ok().map(Self::Tenant),
            "user" => id.parse().ok().map(Self::User),
            "key" => id.parse().ok().map(Self::Key),
            _ => None,
        }
    }
}

/// What entries are found by.
pub(crate) trait Subject: Eq + Hash + Copy + fmt::Debug + Send + Sync + 'static {
    /// The changes that end an entry.
    fn topics(&self) -> Vec<Topic>;
}

impl Subject for (TenantId, UserId) {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Tenant(self.0), Topic::User(self.1)]
    }
}

impl Subject for UserId {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::User(*self)]
    }
}

impl Subject for ApiKeyId {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Key(*self)]
    }
}

/// Distinguishes the time before a change of a topic from the time after it.
type Mark = Arc<()>;

struct Entry<V> {
    value: Option<Arc<V>>,
    marks: Vec<(Topic, Mark)>,
    generation: u64,
    expires: Duration,
}

/// Entries of one kind. See the [module docs](self).
pub(crate) struct Memory<K, V> {
    found: Cache<K, Arc<Entry<V>>>,
    absent: Cache<K, Arc<Entry<V>>>,
    /// An entry counts only while its topics still have the marks that it was made with.
    marks: Cache<Topic, Mark>,
    flights: Flights<K, Option<Arc<V>>>,
    clock: Clock,
    /// Grows with every change that is heard of.
    generation: AtomicU64,
    /// The generation at which everything was forgotten last.
    cleared_at: AtomicU64,
    connected: AtomicBool,
    /// Held while entries are put in or taken out.
    order: Mutex<()>,
}

impl<K: Subject, V: Send + Sync + 'static> Memory<K, V> {
    /// Room for so many entries, and as many of what is not there.
    pub(crate) fn new(capacity: u64, clock: Clock) -> Self {
        Self {
            found: Cache::new(capacity),
            absent: Cache::new(capacity),
            marks: Cache::new(capacity.saturating_mul(2)),
            flights: Flights::new(),
            clock,
            generation: AtomicU64::new(0),
            cleared_at: AtomicU64::new(0),
            connected: AtomicBool::new(false),
            order: Mutex::new(()),
        }
    }

    /// What is known of `key`, or what `load` says of it.
    pub(crate) async fn read<F>(
        &self,
        key: K,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<V>>, AccessError>
    where
        F: Future<Output = Result<Option<V>, AccessError>> + Send,
    {
        if let Some(known) = self.get(&key) {
            return Ok(known);
        }
        let began = self.generation.load(Ordering::Acquire);
        // Boxed, because what passes a future on holds it once more at every step.
        let load = Box::pin(load());
        let loaded = self.flights.run(key, began, async {
            // Another one may have ended between the first look and this one.
            if let Some(known) = self.get(&key) {
                return Ok(known);
            }
            let value = load.await?.map(Arc::new);
            self.keep(key, value.clone(), began);
            Ok(value)
        });
        loaded.await
    }

    /// What is known: a value, that there is none, or nothing.
    pub(crate) fn get(&self, key: &K) -> Option<Option<Arc<V>>> {
        if !self.connected.load(Ordering::Acquire) {
            return None;
        }
        let entry = self.found.get(key).or_else(|| self.absent.get(key))?;
        self.is_current(&entry).then(|| entry.value.clone())
    }

    fn is_current(&self, entry: &Entry<V>) -> bool {
        let since = match entry.value {
            Some(_) => self.cleared_at.load(Ordering::Acquire),
            None => self.generation.load(Ordering::Acquire),
        };
        entry.generation >= since
            && self.clock.monotonic() < entry.expires
            && entry.marks.iter().all(|(topic, mark)| {
                self.marks.get(topic).is_some_and(|held| Arc::ptr_eq(&held, mark))
            })
    }

    fn keep(&self, key: K, value: Option<Arc<V>>, began: u64) {
        let _order = self.in_order();
        if self.generation.load(Ordering::Acquire) != began {
            return;
        }
        let mark = |topic| (topic, self.marks.get_with(topic, Mark::default));
        let topics = if value.is_some() { key.topics() } else { Vec::new() };
        let marks = topics.into_iter().map(mark).collect();
        let expires = self.clock.monotonic().saturating_add(LIFE);
        let entry = Arc::new(Entry { value, marks, generation: began, expires });
        if entry.value.is_some() {
            self.found.insert(key, entry);
        } else {
            self.found.invalidate(&key);
            self.absent.insert(key, entry);
        }
    }

    fn in_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    /// Leaves the entries out: there may be thousands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.connected.load(Ordering::Acquire);
        f.debug_struct("Memory").field("connected", &connected).finish_non_exhaustive()
    }
}

/// A memory, as the one who tells it of changes sees it.
trait Hears: fmt::Debug + Send + Sync {
    fn connect(&self);
    fn disconnect(&self);
    fn forget(&self, topic: Topic);
}

impl<K: Subject, V: Send + Sync + 'static> Hears for Memory<K, V> {
    fn connect(&self) {
        let _order = self.in_order();
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        self.cleared_at.store(generation, Ordering::Release);
        self.connected.store(true, Ordering::Release);
    }

    fn disconnect(&self) {
        let _order = self.in_order();
        self.connected.store(false, Ordering::Release);
    }

    fn forget(&self, topic: Topic) {
        let _order = self.in_order();
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.marks.invalidate(&topic);
    }
}

/// Tells what is remembered of access that it changed. Give it to a
/// [`ChangeListener`](saas_tenancy::store::ChangeListener).
///
/// Until it is connected, and after it is dropped, every question goes to the database.
#[derive(Debug)]
pub struct AccessChanges(Vec<Arc<dyn Hears>>);

impl AccessChanges {
    pub(crate) fn of<K: Subject, V: Send + Sync + 'static>(memory: &Arc<Memory<K, V>>) -> Self {
        Self(vec![Arc::clone(memory) as Arc<dyn Hears>])
    }

    pub(crate) fn and<K: Subject, V: Send + Sync + 'static>(
        mut self,
        memory: &Arc<Memory<K, V>>,
    ) -> Self {
        self.0.push(Arc::clone(memory) as Arc<dyn Hears>);
        self
    }
}

impl ChangeSink for AccessChanges {
    fn channel(&self) -> &'static str {
        CHANNEL
    }

    fn connected(&self) {
        self.0.iter().for_each(|memory| memory.connect());
    }

    fn disconnected(&self) {
        self.0.iter().for_each(|memory| memory.disconnect());
    }

    fn changed(&self, payload: &str) {
        if let Some(topic) = Topic::parse(payload) {
            self.0.iter().for_each(|memory| memory.forget(topic));
        }
    }
}

impl Drop for AccessChanges {
    fn drop(&mut self) {
        self.disconnected();
    }
}

#[cfg(test)]
mod tests;
