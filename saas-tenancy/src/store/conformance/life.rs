use saas_core::TenantId;

use super::Suite;
use crate::{
    domain::DomainId,
    error::TenancyError,
    placement::Isolation,
    store::TenantChange,
    tenant::{Limits, NewTenant, Settings, Status},
};

pub(super) async fn a_tenant_resolves_only_once_it_is_ready(suite: Suite<'_>) {
    let store = suite.store;
    let tenant = store.insert(suite.new_tenant()).await.expect("insert");
    assert_eq!(store.by_id(tenant.id).await.expect("by id"), Some(tenant.clone()));
    assert_eq!(store.by_slug(&tenant.slug).await.expect("by slug"), None, "half made");

    store.mark_ready(tenant.id).await.expect("mark ready");
    store.mark_ready(tenant.id).await.expect("mark ready again");
    assert_eq!(store.by_slug(&tenant.slug).await.expect("by slug"), Some(tenant.clone()));
    assert_eq!(store.by_id(tenant.id).await.expect("by id"), Some(tenant), "version unchanged");
}

pub(super) async fn a_new_tenant_holds_what_was_given(suite: Suite<'_>) {
    let servers = suite.store.servers().await.expect("servers");
    let default = servers.first().expect("there is always a default server").id;
    for isolation in Isolation::ALL {
        let settings = Settings { time_zone: chrono_tz::Europe::Zurich, ..Settings::default() };
        let limits = Limits { statement_timeout_ms: 1_234 };
        let new = NewTenant { isolation, settings, limits, ..suite.new_tenant() };
        let stored = suite.store.insert(new.clone()).await.expect("insert");
        assert_eq!((stored.id, &stored.slug, &stored.name), (new.id, &new.slug, &new.name));
        assert_eq!((stored.placement.isolation, stored.placement.server), (isolation, default));
        assert_eq!((&stored.settings, stored.limits), (&new.settings, new.limits));
        assert_eq!((stored.version, stored.status), (1, Status::Trial));
        let read = suite.store.by_id(new.id).await.expect("by id");
        assert_eq!(read.as_deref(), Some(&*stored), "what insert returns is what is read");
    }
}

pub(super) async fn a_removed_tenant_is_gone_with_its_domains(suite: Suite<'_>) {
    let store = suite.store;
    let tenant = suite.ready_tenant().await;
    let domain = suite.domain(tenant.id);
    store.claim_domain(domain.clone(), None).await.expect("claim");
    store.set_verified(tenant.id, domain.id, Some(suite.clock.now())).await.expect("verify");
    assert_eq!(suite.owner(&domain.name).await, Some(tenant.id));
    assert!(store.by_slug(&tenant.slug).await.expect("by slug").is_some());

    store.remove(tenant.id).await.expect("remove");
    store.remove(tenant.id).await.expect("remove again");
    assert_eq!(store.by_id(tenant.id).await.expect("by id"), None);
    assert_eq!(store.by_slug(&tenant.slug).await.expect("by slug"), None);
    assert_eq!(suite.owner(&domain.name).await, None);
    assert_eq!(store.domains(tenant.id).await.expect("domains"), []);
}

pub(super) async fn a_tenant_that_was_never_ready_leaves_no_trace(suite: Suite<'_>) {
    let new = suite.new_tenant();
    suite.store.insert(new.clone()).await.expect("insert");
    suite.store.remove(new.id).await.expect("remove");
    let again = suite.store.insert(new.clone()).await.expect("the same id and slug are free");
    assert_eq!(again.id, new.id);

    suite.store.remove(new.id).await.expect("remove");
    let other = NewTenant { slug: new.slug, ..suite.new_tenant() };
    suite.store.insert(other).await.expect("the slug is free for another");
}

pub(super) async fn what_is_not_there_is_reported(suite: Suite<'_>) {
    let store = suite.store;
    let nobody = TenantId::generate(suite.clock);
    let no_domain = DomainId::generate(suite.clock);
    let absent = |result: Result<(), TenancyError>| matches!(result, Err(TenancyError::NotFound));
    assert!(absent(store.mark_ready(nobody).await));
    assert!(absent(store.update(nobody, TenantChange::default(), None).await.map(drop)));
    assert!(absent(store.update(nobody, TenantChange::default(), Some(1)).await.map(drop)));
    assert!(absent(store.claim_domain(suite.domain(nobody), None).await));
    assert!(absent(store.set_verified(nobody, no_domain, None).await));
    store
        .release_domain(nobody, no_domain, None)
        .await
        .expect("giving up what is not there is fine");
    store.remove(nobody).await.expect("removing what is not there is fine");
    assert_eq!(store.domains(nobody).await.expect("domains"), []);
}
