//! One connection is lost, at one end or the other, and Redis stays.

use saas_tenancy::store::{RedisBridge, RedisListener, invalidation::CHANNEL};
use saas_tests::redis::Redis;
use secrecy::ExposeSecret;

use super::{gate::Gate, scene::Probe};

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_connection_is_ended_forgets_all() {
    let redis = Redis::start().unwrap();
    let probe = Probe::default();
    let (_bridge, sinks) = RedisBridge::spawn(&redis.url(), &[CHANNEL]).unwrap();
    sinks[0].connected();
    let _listening = RedisListener::spawn(&redis.url(), probe.sink()).unwrap();
    probe.until("connected", 1).await;
    end_connections(&redis, "pubsub").await;
    probe.until("connected", 2).await;
    assert_eq!(probe.told()[..3], ["connected", "disconnected", "connected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_connection_to_redis_is_ended_makes_its_listeners_forget() {
    let redis = Redis::start().unwrap();
    let probe = Probe::default();
    let (_bridge, sinks) = RedisBridge::spawn(&redis.url(), &[CHANNEL]).unwrap();
    sinks[0].connected();
    let _listening = RedisListener::spawn(&redis.url(), probe.sink()).unwrap();
    probe.until("connected", 1).await;
    end_connections(&redis, "normal").await;
    probe.until("connected", 2).await;
    assert_eq!(probe.told()[..3], ["connected", "disconnected", "connected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_gives_a_connection_up_that_leads_nowhere() {
    let redis = Redis::start().unwrap();
    let (probe, gate) = (Probe::default(), Gate::before(&redis.url()).await);
    let (_bridge, sinks) = RedisBridge::spawn(&redis.url(), &[CHANNEL]).unwrap();
    sinks[0].connected();
    let _listening = RedisListener::spawn(gate.url(), probe.sink()).unwrap();
    probe.until("connected", 1).await;
    gate.swallow();
    probe.until("connected", 2).await;
    sinks[0].changed("heard again");
    probe.until("heard again", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_gives_a_connection_up_that_leads_nowhere() {
    let redis = Redis::start().unwrap();
    let (probe, gate) = (Probe::default(), Gate::before(&redis.url()).await);
    let (_bridge, sinks) = RedisBridge::spawn(gate.url(), &[CHANNEL]).unwrap();
    sinks[0].connected();
    let _listening = RedisListener::spawn(&redis.url(), probe.sink()).unwrap();
    probe.until("connected", 1).await;
    gate.swallow();
    probe.until("connected", 2).await;
    sinks[0].changed("told again");
    probe.until("told again", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_may_not_publish_vouches_for_nothing() {
    let redis = Redis::start().unwrap();
    let probe = Probe::default();
    let (_bridge, sinks) = RedisBridge::spawn(&redis.url(), &[CHANNEL]).unwrap();
    sinks[0].connected();
    let _listening = RedisListener::spawn(&redis.url(), probe.sink()).unwrap();
    probe.until("connected", 1).await;
    // Changes are refused, and the bridge must not go on as if they had been told.
    tell(&redis, &["ACL", "SETUSER", "default", "-publish"]).await;
    sinks[0].changed("refused");
    probe.until("disconnected", 1).await;
    tell(&redis, &["ACL", "SETUSER", "default", "+publish"]).await;
    probe.until("connected", 2).await;
    assert_eq!(probe.count("refused"), 0);
}

/// Ends all connections that publish (`normal`) or all that are subscribed (`pubsub`).
async fn end_connections(redis: &Redis, kind: &str) {
    tell(redis, &["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await;
}

async fn tell(redis: &Redis, words: &[&str]) {
    let client = ::redis::Client::open(redis.url().expose_secret()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::cmd(words[0]);
    command.arg(&words[1..]).exec_async(&mut connection).await.unwrap();
}
