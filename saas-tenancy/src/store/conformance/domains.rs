use futures_util::future::join_all;

use super::Suite;
use crate::{domain::Domain, error::TenancyError};

pub(super) async fn a_domain_resolves_only_while_it_is_verified(suite: Suite<'_>) {
    let tenant = suite.ready_tenant().await;
    let domain = suite.domain(tenant.id);
    let now = suite.clock.now();
    suite.store.claim_domain(domain.clone(), None).await.expect("claim");
    assert_eq!(suite.owner(&domain.name).await, None, "claimed is not proven");
    for at in [Some(now), Some(now), None, Some(now)] {
        suite.store.set_verified(tenant.id, domain.id, at).await.expect("set verified");
        assert_eq!(suite.owner(&domain.name).await, at.map(|_| tenant.id));
    }
    let read = suite.store.by_id(tenant.id).await.expect("by id");
    assert_eq!(read, Some(tenant), "domains are no part of the tenant's version");
}

pub(super) async fn a_claim_is_never_verified_at_once(suite: Suite<'_>) {
    let tenant = suite.ready_tenant().await;
    let domain = Domain { verified_at: Some(suite.clock.now()), ..suite.domain(tenant.id) };
    suite.store.claim_domain(domain.clone(), None).await.expect("claim");
    assert_eq!(suite.owner(&domain.name).await, None);
    let listed = suite.store.domains(tenant.id).await.expect("domains");
    assert_eq!(listed, [Domain { verified_at: None, ..domain }]);
}

pub(super) async fn a_domain_of_a_tenant_that_is_not_ready_does_not_resolve(suite: Suite<'_>) {
    let tenant = suite.store.insert(suite.new_tenant()).await.expect("insert");
    let domain = suite.domain(tenant.id);
    suite.store.claim_domain(domain.clone(), None).await.expect("claim");
    suite.store.set_verified(tenant.id, domain.id, Some(suite.clock.now())).await.expect("verify");
    assert_eq!(suite.owner(&domain.name).await, None);
    suite.store.mark_ready(tenant.id).await.expect("mark ready");
    assert_eq!(suite.owner(&domain.name).await, Some(tenant.id));
}

pub(super) async fn a_domain_belongs_to_the_first_that_proves_it(suite: Suite<'_>) {
    let (first, second) = (suite.ready_tenant().await, suite.ready_tenant().await);
    let now = Some(suite.clock.now());
    let (a, store) = (suite.domain(first.id), suite.store);
    let b = suite.domain_called(second.id, &a.name);
    store.claim_domain(a.clone(), None).await.expect("claim");
    store.claim_domain(b.clone(), None).await.expect("a claim without proof keeps nobody out");
    let again = suite.domain_called(first.id, &a.name);
    assert!(taken(&store.claim_domain(again, None).await), "claimed by itself already");
    let same_id = Domain { id: a.id, ..suite.domain(first.id) };
    assert!(taken(&store.claim_domain(same_id, None).await), "the id is in use");

    store.set_verified(second.id, b.id, now).await.expect("verify");
    assert!(taken(&store.set_verified(first.id, a.id, now).await), "proven by another first");
    store.set_verified(first.id, a.id, None).await.expect("no proof is fine");
    assert_eq!(suite.owner(&a.name).await, Some(second.id));
    let third = suite.ready_tenant().await;
    let late = suite.domain_called(third.id, &a.name);
    assert!(taken(&store.claim_domain(late, None).await), "a proven name cannot be claimed");

    store.set_verified(second.id, b.id, None).await.expect("the proof is gone");
    store.set_verified(first.id, a.id, now).await.expect("now it is free");
    assert_eq!(suite.owner(&a.name).await, Some(first.id));
}

pub(super) async fn one_of_many_concurrent_proofs_wins(suite: Suite<'_>) {
    let now = Some(suite.clock.now());
    let name = suite.domain(suite.new_tenant().id).name;
    let mut claims = Vec::new();
    for _ in 0..8 {
        let claim = suite.domain_called(suite.ready_tenant().await.id, &name);
        suite.store.claim_domain(claim.clone(), None).await.expect("claim");
        claims.push(claim);
    }
    let proofs = claims.iter().map(|claim| suite.store.set_verified(claim.tenant, claim.id, now));
    let results = join_all(proofs).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| taken(result)).count(), 7);
    let winner = claims.iter().zip(&results).find(|(_, result)| result.is_ok());
    assert_eq!(suite.owner(&name).await, winner.map(|(claim, _)| claim.tenant));
}

pub(super) async fn a_tenant_cannot_touch_the_domain_of_another(suite: Suite<'_>) {
    let (mine, theirs) = (suite.ready_tenant().await, suite.ready_tenant().await);
    let domain = suite.domain(theirs.id);
    let now = Some(suite.clock.now());
    suite.store.claim_domain(domain.clone(), None).await.expect("claim");
    suite.store.set_verified(theirs.id, domain.id, now).await.expect("verify");

    let foreign = suite.store.set_verified(mine.id, domain.id, None).await;
    assert!(matches!(foreign, Err(TenancyError::NotFound)), "{foreign:?}");
    suite.store.release_domain(mine.id, domain.id, None).await.expect("nothing happens");
    assert_eq!(suite.owner(&domain.name).await, Some(theirs.id));
    assert_eq!(suite.store.domains(mine.id).await.expect("domains"), []);
}

pub(super) async fn a_released_domain_is_free(suite: Suite<'_>) {
    let (first, second) = (suite.ready_tenant().await, suite.ready_tenant().await);
    let now = Some(suite.clock.now());
    let (a, store) = (suite.domain(first.id), suite.store);
    let kept = suite.domain(first.id);
    store.claim_domain(a.clone(), None).await.expect("claim");
    store.claim_domain(kept.clone(), None).await.expect("claim another");
    store.set_verified(first.id, a.id, now).await.expect("verify");
    assert_eq!(suite.owner(&a.name).await, Some(first.id));

    store.release_domain(first.id, a.id, None).await.expect("release");
    store.release_domain(first.id, a.id, None).await.expect("release again");
    assert_eq!(suite.owner(&a.name).await, None);
    assert_eq!(store.domains(first.id).await.expect("domains"), [kept]);

    let b = suite.domain_called(second.id, &a.name);
    store.claim_domain(b.clone(), None).await.expect("claim by another");
    store.set_verified(second.id, b.id, now).await.expect("verify by another");
    assert_eq!(suite.owner(&a.name).await, Some(second.id));
}

fn taken(result: &Result<(), TenancyError>) -> bool {
    matches!(result, Err(TenancyError::DomainTaken))
}
