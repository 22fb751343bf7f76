//! Several bridges, and such that are cut off or die.

use saas_tenancy::{
    Status,
    store::{RedisBridge, RedisListener, invalidation::CHANNEL},
};
use saas_tests::redis::Redis;

use super::scene::{Probe, Scene, counts, until_cached, until_status};

/// Heartbeats that show that the bridges were side by side for long enough, and some to spare.
const SIDE_BY_SIDE: usize = 16;

/// Heartbeats after which a bridge that died counts as gone, and some to spare.
const GONE: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_dies_while_another_lives_loses_nothing() {
    let scene = Scene::new().await;
    let (probe, dying) = (Probe::default(), scene.bridge());
    let (store, _caching) = scene.cached();
    let _listening = scene.listen(probe.sink());
    probe.until("connected", 1).await;
    let tenant = scene.tenant("acme").await;
    let _living = scene.bridge();
    let both = |beats: &[String]| counts(beats).get(1).is_some_and(|few| *few >= SIDE_BY_SIDE);
    scene.until_heartbeats(both).await;
    until_cached(&store, &tenant.slug).await;

    drop(dying);
    let living_alone = |beats: &[String]| {
        let last = beats.last();
        beats.iter().rev().take_while(|beat| Some(*beat) == last).count() >= GONE
    };
    scene.until_heartbeats(living_alone).await;
    assert!(store.cached_by_slug(&tenant.slug).is_some(), "nothing is forgotten");
    scene.set(&tenant, Status::Suspended).await;
    until_status(&store, &tenant, Status::Suspended).await;
    assert_eq!((probe.count("connected"), probe.count("disconnected")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_connection_is_ended_makes_its_listeners_forget() {
    let scene = Scene::new().await;
    let (probe, _bridge) = (Probe::default(), scene.bridge());
    let _listening = scene.listen(probe.sink());
    probe.until("connected", 1).await;
    // It is back before anybody could miss its heartbeats.
    scene.end_listening().await;
    probe.until("connected", 2).await;
    assert_eq!(probe.count("disconnected"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_vouches_only_for_channels_whose_source_hears() {
    let redis = Redis::start().unwrap();
    let (ours, other) = (Probe::default(), Probe::on("other"));
    let channels = [CHANNEL, "other", CHANNEL];
    let (_bridge, sinks) = RedisBridge::spawn(&redis.url(), &channels).unwrap();
    let names: Vec<_> = sinks.iter().map(|sink| sink.channel()).collect();
    assert_eq!(names, ["other", CHANNEL]);
    let probes = [ours.sink(), other.sink()].into_iter().flatten().collect();
    let _listening = RedisListener::spawn(&redis.url(), probes).unwrap();

    sinks[0].connected();
    other.until("connected", 1).await;
    sinks[1].changed("too early");
    ours.until("too early", 1).await;
    assert_eq!(ours.told(), ["too early"], "a hint, and nothing else");
    sinks[1].connected();
    ours.until("connected", 1).await;
    sinks[1].changed("in time");
    ours.until("in time", 1).await;
    drop(sinks);
    ours.until("disconnected", 1).await;
    assert_eq!(other.count("in time"), 0);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_once() {
    let wrong = "http://:secret@127.0.0.1".into();
    let refused = RedisListener::spawn(&wrong, Vec::new()).unwrap_err();
    let also = RedisBridge::spawn(&wrong, &["a"]).unwrap_err();
    for error in [refused, also] {
        assert!(!format!("{error:?} {error}").contains("secret"), "{error}");
    }
}
