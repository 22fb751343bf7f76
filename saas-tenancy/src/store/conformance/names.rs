use futures_util::future::join_all;

use super::Suite;
use crate::{
    error::TenancyError,
    store::TenantChange,
    tenant::{NewTenant, Status},
};

pub(super) async fn a_repeated_insert_returns_the_stored_tenant(suite: Suite<'_>) {
    let new = suite.new_tenant();
    let first = suite.store.insert(new.clone()).await.expect("insert");
    let retry = NewTenant { name: "another name".into(), ..new.clone() };
    let again = suite.store.insert(retry.clone()).await.expect("insert again");
    assert_eq!(again, first, "a retry changes nothing");

    suite.store.mark_ready(new.id).await.expect("mark ready");
    let change = TenantChange { status: Some(Status::Active), ..TenantChange::default() };
    let active = suite.store.update(new.id, change, None).await.expect("update");
    assert_eq!(suite.store.insert(retry).await.expect("insert late"), active);
    assert!(suite.store.by_slug(&new.slug).await.expect("by slug").is_some(), "still ready");
}

pub(super) async fn a_slug_is_never_given_twice(suite: Suite<'_>) {
    let first = suite.ready_tenant().await;
    let second = NewTenant { slug: first.slug.clone(), ..suite.new_tenant() };
    assert!(is_taken(&suite.store.insert(second.clone()).await));
    assert_eq!(suite.store.by_id(second.id).await.expect("by id"), None);

    suite.store.remove(first.id).await.expect("remove");
    assert!(is_taken(&suite.store.insert(second).await), "not even when its tenant is gone");
    let revived = NewTenant { id: first.id, slug: first.slug.clone(), ..suite.new_tenant() };
    assert!(is_taken(&suite.store.insert(revived).await), "not even to the one that is gone");
}

pub(super) async fn an_id_is_never_given_twice(suite: Suite<'_>) {
    let first = suite.ready_tenant().await;
    let other = NewTenant { id: first.id, ..suite.new_tenant() };
    let stale = suite.store.insert(other.clone()).await;
    assert!(matches!(stale, Err(TenancyError::Stale)), "the id has another slug: {stale:?}");

    suite.store.remove(first.id).await.expect("remove");
    let stale = suite.store.insert(other).await;
    assert!(matches!(stale, Err(TenancyError::Stale)), "the id had another slug: {stale:?}");
}

pub(super) async fn one_of_many_concurrent_inserts_of_a_slug_wins(suite: Suite<'_>) {
    let slug = suite.new_tenant().slug;
    let rivals = (0..16).map(|_| NewTenant { slug: slug.clone(), ..suite.new_tenant() });
    let results = join_all(rivals.map(|rival| suite.store.insert(rival))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.into_iter().filter(is_taken).count(), 15);

    let same = suite.new_tenant();
    let retries = (0..16).map(|_| suite.store.insert(same.clone()));
    for stored in join_all(retries).await {
        assert_eq!(stored.expect("a retry is not an error, even at once").id, same.id);
    }
}

fn is_taken<T>(result: &Result<T, TenancyError>) -> bool {
    matches!(result, Err(TenancyError::SlugTaken))
}
