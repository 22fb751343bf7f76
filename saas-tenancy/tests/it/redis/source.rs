//! What a source of changes promises, whether it is PostgreSQL, Redis, or a bridge behind Redis.

use std::any::Any;

use saas_tenancy::{
    Status,
    store::{ChangeListener, ChangeSink},
};
use tokio::time::timeout;

use super::scene::{
    Bridging, LIMIT, Probe, Scene, until, until_cached, until_cut_off, until_status,
};

/// A source, and the means to break it.
trait Source: Sync {
    fn scene(&self) -> &Scene;

    /// Begins to listen; dropping what it returns ends that.
    fn listen(&self, sinks: Vec<Box<dyn ChangeSink>>) -> Box<dyn Any + Send>;

    /// Takes away what changes are heard through, until it is [repaired](Self::repair).
    fn cut_off(&self);

    fn repair(&self);
}

/// The suite.
async fn run(source: &dyn Source) {
    every_change_is_told_from_the_connect_on(source).await;
    a_sink_is_cut_off_with_its_source_and_connected_anew(source).await;
    what_changed_while_it_was_cut_off_is_never_served_stale(source).await;
    a_source_that_is_dropped_drops_its_sinks(source).await;
}

async fn every_change_is_told_from_the_connect_on(source: &dyn Source) {
    let (scene, probe) = (source.scene(), Probe::default());
    let _listening = source.listen(probe.sink());
    probe.until("connected", 1).await;
    assert_eq!(probe.told(), ["connected"], "nothing comes before it");
    let mut told = Vec::new();
    for n in 0..20 {
        let tenant = scene.tenant(&format!("told-{n}")).await;
        // Made, and then ready.
        told.extend([tenant.id.as_uuid().to_string(), tenant.id.as_uuid().to_string()]);
    }
    let all = until(async || probe.changes().len() >= told.len());
    timeout(LIMIT, all).await.expect("every change is told");
    assert_eq!(probe.changes(), told);
}

async fn a_sink_is_cut_off_with_its_source_and_connected_anew(source: &dyn Source) {
    let probe = Probe::default();
    let _listening = source.listen(probe.sink());
    for _ in 0..2 {
        probe.until_last("connected").await;
        source.cut_off();
        probe.until_last("disconnected").await;
        source.repair();
    }
    probe.until_last("connected").await;
    // It may be more than once: what was under way when the source was lost may come afterwards.
    let told = probe.told();
    assert!(told.len() >= 5 && told.windows(2).all(|two| two[0] != two[1]), "{told:?}");
}

async fn what_changed_while_it_was_cut_off_is_never_served_stale(source: &dyn Source) {
    let scene = source.scene();
    let tenant = scene.tenant("stale").await;
    let (cache, invalidations) = scene.cache().with_invalidations();
    let _listening = source.listen(vec![Box::new(invalidations)]);
    until_cached(&cache, &tenant.slug).await;

    source.cut_off();
    until_cut_off(&cache, &tenant.slug).await;
    scene.set(&tenant, Status::Suspended).await;
    source.repair();
    until_cached(&cache, &tenant.slug).await;
    let kept = cache.cached_by_slug(&tenant.slug).unwrap().unwrap();
    assert_eq!(kept.status, Status::Suspended);
    scene.set(&tenant, Status::Active).await;
    until_status(&cache, &tenant, Status::Active).await;
}

async fn a_source_that_is_dropped_drops_its_sinks(source: &dyn Source) {
    let probe = Probe::default();
    let listening = source.listen(probe.sink());
    probe.until("connected", 1).await;
    drop(listening);
    let dropped = until(async || probe.is_dropped());
    timeout(LIMIT, dropped).await.expect("a sink that nobody tells anything is cut off");
}

/// PostgreSQL itself.
struct Direct(Scene);

impl Source for Direct {
    fn scene(&self) -> &Scene {
        &self.0
    }

    fn listen(&self, sinks: Vec<Box<dyn ChangeSink>>) -> Box<dyn Any + Send> {
        Box::new(ChangeListener::spawn_all(self.0.postgres.url().clone(), sinks))
    }

    fn cut_off(&self) {
        self.0.postgres.shut();
    }

    fn repair(&self) {
        self.0.postgres.open();
    }
}

/// Redis, with one bridge.
struct ThroughRedis {
    scene: Scene,
    loses: Loses,
    _bridge: Bridging,
}

/// What goes wrong there.
enum Loses {
    Redis,
    /// Redis stays, and its connections too, but it does not answer.
    Answers,
    /// The bridge's connection.
    Postgres,
}

impl ThroughRedis {
    async fn that(loses: Loses) -> Self {
        let scene = Scene::new().await;
        let _bridge = scene.bridge();
        Self { scene, loses, _bridge }
    }
}

impl Source for ThroughRedis {
    fn scene(&self) -> &Scene {
        &self.scene
    }

    fn listen(&self, sinks: Vec<Box<dyn ChangeSink>>) -> Box<dyn Any + Send> {
        Box::new(self.scene.listen(sinks))
    }

    fn cut_off(&self) {
        match self.loses {
            Loses::Redis => self.scene.redis.lock().unwrap().kill().unwrap(),
            Loses::Answers => self.scene.redis.lock().unwrap().freeze().unwrap(),
            Loses::Postgres => self.scene.postgres.shut(),
        }
    }

    fn repair(&self) {
        match self.loses {
            Loses::Redis => self.scene.redis.lock().unwrap().restart().unwrap(),
            Loses::Answers => self.scene.redis.lock().unwrap().thaw().unwrap(),
            Loses::Postgres => self.scene.postgres.open(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_promises_of_a_source() {
    run(&Direct(Scene::new().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_the_promises_of_a_source_when_it_is_lost() {
    run(&ThroughRedis::that(Loses::Redis).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_the_promises_of_a_source_when_it_stops_answering() {
    run(&ThroughRedis::that(Loses::Answers).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_keeps_the_promises_of_a_source_when_its_bridge_is_cut_off() {
    run(&ThroughRedis::that(Loses::Postgres).await).await;
}
