//! Servers, processes with caches, and a sink that notes what it is told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use saas_core::TenantId;
use saas_tenancy::{
    Isolation, NewTenant, Slug, Status, Tenant, TenantStore,
    store::{
        CachedTenantStore, ChangeListener, ChangeSink, RedisBridge, RedisListener, TenantChange,
        invalidation::CHANNEL,
    },
};
use saas_tests::{redis::Redis, world::World};
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use tokio::time::timeout;

use super::gate::Gate;

/// How long anything may take before the test gives up. What is kept in memory is kept longer, so
/// that nothing becomes visible by expiring.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// A database and Redis.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) redis: Mutex<Redis>,
    /// Before PostgreSQL, for those who listen there.
    pub(super) postgres: Gate,
    redis_url: SecretString,
}

/// What a process holds that passes changes on to Redis.
pub(super) type Bridging = (RedisBridge, ChangeListener);

impl Scene {
    pub(super) async fn new() -> Self {
        let redis = Redis::start().unwrap();
        let redis_url = redis.url();
        let world = World::new().await;
        let direct = world.app_options().to_url_lossy().to_string().into();
        let postgres = Gate::before(&direct).await;
        Self { world, redis: Mutex::new(redis), postgres, redis_url }
    }

    /// A process that passes changes on.
    pub(super) fn bridge(&self) -> Bridging {
        let (bridge, sinks) = RedisBridge::spawn(&self.redis_url, &[CHANNEL]).unwrap();
        (bridge, ChangeListener::spawn_all(self.postgres.url().clone(), sinks))
    }

    pub(super) fn listen(&self, sinks: Vec<Box<dyn ChangeSink>>) -> RedisListener {
        RedisListener::spawn(&self.redis_url, sinks).unwrap()
    }

    /// A process with a cache that knows only Redis.
    pub(super) fn cached(&self) -> (CachedTenantStore, RedisListener) {
        let (cache, invalidations) = self.cache().with_invalidations();
        (cache, self.listen(vec![Box::new(invalidations)]))
    }

    /// A cache that nothing expires from within a test.
    pub(super) fn cache(&self) -> CachedTenantStore {
        let store = Arc::clone(&self.world.store);
        CachedTenantStore::new(store, self.world.clock.clone()).with_ttl(LIMIT * 100)
    }

    /// A tenant that resolves.
    pub(super) async fn tenant(&self, slug: &str) -> Arc<Tenant> {
        let id = TenantId::generate(&self.world.clock);
        let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
        let tenant = self.world.store.insert(new).await.unwrap();
        self.world.store.mark_ready(id).await.unwrap();
        tenant
    }

    /// Changes a tenant where no cache of a test sees it.
    pub(super) async fn set(&self, tenant: &Tenant, status: Status) {
        let change = TenantChange { status: Some(status), ..TenantChange::default() };
        self.world.store.update(tenant.id, change, None).await.unwrap();
    }

    /// Ends the connections that listen on PostgreSQL. New ones are let in.
    pub(super) async fn end_listening(&self) {
        let sql = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = '{}' and query ilike '%listen%' and pid <> pg_backend_pid()",
            self.world.database(),
        );
        self.world.server().run("postgres", &sql).await;
    }

    /// Reads Redis until `enough` of the heartbeats that came, by bridge and in their order.
    pub(super) async fn until_heartbeats(&self, enough: impl Fn(&[String]) -> bool) {
        let client = ::redis::Client::open(self.redis_url.expose_secret()).unwrap();
        let mut connection = client.get_async_pubsub().await.unwrap();
        connection.subscribe(format!("saas:changes:{CHANNEL}")).await.unwrap();
        let mut messages = connection.into_on_message();
        let mut beats = Vec::new();
        let reading = async {
            while !enough(&beats) {
                let text: String = messages.next().await.unwrap().get_payload().unwrap();
                let words: Vec<&str> = text.split(' ').collect();
                if let [_, bridge, _, _] = words[..] {
                    beats.push(bridge.to_owned());
                }
            }
        };
        timeout(LIMIT, reading).await.expect("bridges beat");
    }
}

/// How often each bridge beat, the busiest first.
pub(super) fn counts(beats: &[String]) -> Vec<usize> {
    let mut bridges: Vec<&String> = beats.iter().collect();
    bridges.sort_unstable();
    bridges.dedup();
    let count = |bridge: &String| beats.iter().filter(|beat| *beat == bridge).count();
    let mut counts: Vec<_> = bridges.into_iter().map(count).collect();
    counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    counts
}

/// A sink that notes what it is told.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    channel: &'static str,
    told: Arc<Mutex<Vec<String>>>,
    dropped: Arc<AtomicBool>,
}

impl Default for Probe {
    /// One that hears of tenants.
    fn default() -> Self {
        Self::on(CHANNEL)
    }
}

impl Probe {
    pub(super) fn on(channel: &'static str) -> Self {
        Self { channel, told: Arc::default(), dropped: Arc::default() }
    }

    /// The end to give to a source.
    pub(super) fn sink(&self) -> Vec<Box<dyn ChangeSink>> {
        vec![Box::new(ProbeSink(self.clone()))]
    }

    /// What it was told until now.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// The changes that it was told of.
    pub(super) fn changes(&self) -> Vec<String> {
        let is_change = |told: &String| !["connected", "disconnected"].contains(&told.as_str());
        self.told().into_iter().filter(is_change).collect()
    }

    /// How often this was told.
    pub(super) fn count(&self, what: &str) -> usize {
        self.told().iter().filter(|told| *told == what).count()
    }

    /// Waits until this was told so often.
    pub(super) async fn until(&self, what: &str, times: usize) {
        let told = until(async || self.count(what) >= times);
        let told = timeout(LIMIT, told).await;
        told.unwrap_or_else(|_| panic!("`{what}` is told {times} times, not {:?}", self.told()));
    }

    /// Waits until this is what it was told last.
    pub(super) async fn until_last(&self, what: &str) {
        let told = until(async || self.told().last().is_some_and(|last| last == what));
        let told = timeout(LIMIT, told).await;
        told.unwrap_or_else(|_| panic!("`{what}` is told last, not {:?}", self.told()));
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::SeqCst)
    }

    fn note(&self, what: &str) {
        self.told.lock().unwrap().push(what.to_owned());
    }
}

#[derive(Debug)]
struct ProbeSink(Probe);

impl ChangeSink for ProbeSink {
    fn channel(&self) -> &'static str {
        self.0.channel
    }
    fn connected(&self) {
        self.0.note("connected");
    }
    fn disconnected(&self) {
        self.0.note("disconnected");
    }
    fn changed(&self, payload: &str) {
        self.0.note(payload);
    }
}

impl Drop for ProbeSink {
    fn drop(&mut self) {
        self.0.dropped.store(true, Ordering::SeqCst);
    }
}

/// Asks again and again, and lets others run in between.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::task::yield_now().await;
    }
}

/// Looks the name up until the answer is kept: from then on changes are heard.
pub(super) async fn until_cached(store: &CachedTenantStore, slug: &Slug) {
    let cached = until(async || {
        store.by_slug(slug).await.unwrap();
        store.cached_by_slug(slug).is_some()
    });
    timeout(LIMIT, cached).await.expect("changes are heard");
}

/// Waits until nothing is served from memory.
pub(super) async fn until_cut_off(store: &CachedTenantStore, slug: &Slug) {
    let cut_off = until(async || store.cached_by_slug(slug).is_none());
    timeout(LIMIT, cut_off).await.expect("the loss is noticed");
}

/// Waits until the store answers with this status.
pub(super) async fn until_status(store: &dyn TenantStore, tenant: &Tenant, status: Status) {
    let seen = until(async || {
        let found = store.by_slug(&tenant.slug).await.unwrap();
        found.is_some_and(|found| found.status == status)
    });
    timeout(LIMIT, seen).await.expect("the change is heard");
}
