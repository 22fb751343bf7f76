use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Suite;
use crate::{
    error::TenancyError,
    placement::{Isolation, Placement, ServerId},
    store::{PAGE, TenantChange},
    tenant::{Branding, Limits, NewTenant, Settings, Status, Tenant},
};

pub(super) async fn an_update_changes_what_it_names_and_nothing_else(suite: Suite<'_>) {
    let tenant = suite.ready_tenant().await;
    let mut expected = Tenant::clone(&tenant);
    let branding = Branding { color: "#1a7f5a".parse().ok(), logo_url: None };
    let settings = Settings { branding, ..Settings::default() };
    let placement = Placement { isolation: Isolation::Schema, ..tenant.placement };
    let none = TenantChange::default;
    let changes = [
        TenantChange { name: Some("Neu".into()), ..none() },
        TenantChange { status: Some(Status::Suspended), ..none() },
        TenantChange { placement: Some(placement), ..none() },
        TenantChange { settings: Some(settings), ..none() },
        TenantChange { limits: Some(Limits { statement_timeout_ms: 7 }), ..none() },
        none(),
    ];
    for change in changes {
        apply(&mut expected, change.clone());
        let returned = suite.store.update(tenant.id, change, None).await.expect("update");
        assert_eq!(*returned, expected);
        let by_id = suite.store.by_id(tenant.id).await.expect("by id");
        assert_eq!(by_id.as_deref(), Some(&expected), "the next read by id sees it");
        let by_slug = suite.store.by_slug(&tenant.slug).await.expect("by slug");
        assert_eq!(by_slug.as_deref(), Some(&expected), "the next read by slug sees it");
    }
}

fn apply(tenant: &mut Tenant, change: TenantChange) {
    tenant.name = change.name.unwrap_or_else(|| tenant.name.clone());
    tenant.status = change.status.unwrap_or(tenant.status);
    tenant.placement = change.placement.unwrap_or(tenant.placement);
    tenant.settings = change.settings.unwrap_or_else(|| tenant.settings.clone());
    tenant.limits = change.limits.unwrap_or(tenant.limits);
    tenant.version += 1;
}

pub(super) async fn a_stale_update_is_refused(suite: Suite<'_>) {
    let tenant = suite.ready_tenant().await;
    let rename = |name: &str| TenantChange { name: Some(name.into()), ..TenantChange::default() };
    let second = suite.store.update(tenant.id, rename("second"), Some(1)).await.expect("update");
    assert_eq!(second.version, 2);
    for wrong in [1, 3, 0, -1, i64::MAX] {
        let stale = suite.store.update(tenant.id, rename("lost"), Some(wrong)).await;
        assert!(matches!(stale, Err(TenancyError::Stale)), "version {wrong}: {stale:?}");
    }
    let read = suite.store.by_id(tenant.id).await.expect("by id");
    assert_eq!(read, Some(second), "a refused update changes nothing");
}

pub(super) async fn one_of_many_concurrent_updates_of_a_version_wins(suite: Suite<'_>) {
    let tenant = suite.ready_tenant().await;
    let rivals = (0..8).map(|n| {
        let change = TenantChange { name: Some(format!("rival {n}")), ..TenantChange::default() };
        suite.store.update(tenant.id, change, Some(1))
    });
    let results = join_all(rivals).await;
    let won: Vec<_> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1, "one update of version 1");
    assert_eq!(suite.store.by_id(tenant.id).await.expect("by id"), won.into_iter().next());
}

pub(super) async fn a_server_that_is_not_there_is_refused(suite: Suite<'_>) {
    let refused = |result| matches!(result, Err(TenancyError::Unprovisionable { .. }));
    let server = ServerId::generate(suite.clock);
    let new = NewTenant { server: Some(server), ..suite.new_tenant() };
    assert!(refused(suite.store.insert(new.clone()).await));
    let retry = NewTenant { server: None, ..new };
    suite.store.insert(retry).await.expect("a refused insert takes neither id nor slug");

    let tenant = suite.ready_tenant().await;
    let placement = Some(Placement { server, ..tenant.placement });
    let moved = TenantChange { placement, ..TenantChange::default() };
    assert!(refused(suite.store.update(tenant.id, moved, None).await));
    assert_eq!(suite.store.by_id(tenant.id).await.expect("by id"), Some(tenant));
}

pub(super) async fn pages_hold_every_tenant_once_in_order(suite: Suite<'_>) {
    let mut mine = BTreeSet::new();
    for _ in 0..7 {
        mine.insert(suite.store.insert(suite.new_tenant()).await.expect("insert").id);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = suite.store.list(after, 3).await.expect("list");
        assert!(page.len() <= 3, "a page of 3 holds {}", page.len());
        let Some(last) = page.last() else { break };
        seen.extend(page.iter().map(|tenant| tenant.id));
        assert!(seen.is_sorted_by(|a, b| a < b), "ids grow, and none comes twice");
        after = Some(last.id);
    }
    assert!(mine.is_subset(&seen.into_iter().collect()), "those that are not ready are listed too");
    assert!(suite.store.list(None, 0).await.expect("list").is_empty());
    let whole = suite.store.list(None, u32::MAX).await.expect("list");
    assert!(u32::try_from(whole.len()).is_ok_and(|len| len <= PAGE), "a page has a bound");
}
