//! What a process sees that knows only Redis.

use saas_tenancy::{Status, TenantStore};

use super::scene::{Scene, until_cached, until_cut_off, until_status};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_changes_reach_a_process_that_knows_only_redis() {
    let scene = Scene::new().await;
    let _bridge = scene.bridge();
    let (there, _listening) = scene.cached();
    let tenant = scene.tenant("acme").await;
    for round in 0..100 {
        until_cached(&there, &tenant.slug).await;
        let status = if round % 2 == 0 { Status::Suspended } else { Status::Active };
        scene.set(&tenant, status).await;
        until_status(&there, &tenant, status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_gone_every_lookup_reads_the_database() {
    let scene = Scene::new().await;
    let _bridge = scene.bridge();
    let (store, _listening) = scene.cached();
    let tenant = scene.tenant("acme").await;
    until_cached(&store, &tenant.slug).await;

    scene.redis.lock().unwrap().kill().unwrap();
    until_cut_off(&store, &tenant.slug).await;
    for status in [Status::Suspended, Status::Active, Status::Suspended] {
        scene.set(&tenant, status).await;
        let seen = store.by_slug(&tenant.slug).await.unwrap().unwrap();
        assert_eq!(seen.status, status, "at once, because nothing is kept");
        assert!(store.cached_by_slug(&tenant.slug).is_none());
    }
    scene.redis.lock().unwrap().restart().unwrap();
    until_cached(&store, &tenant.slug).await;
}
