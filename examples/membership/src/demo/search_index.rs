//! How the index for searches takes many members at once.
//!
//! It sorts in every row at once, so that no search has to read a list of waiting ones. A load of
//! many members takes three times as long by that, so the list is switched on meanwhile.

use saas_tenancy::ResolvedTenant;

use crate::{
    boot::{
        backend::Backend,
        plane::{self, Plane},
    },
    failure::Failure,
};

/// New rows wait in a list, and are sorted in by the 64 MiB.
const LATER: [&str; 1] = ["alter index {schema}.members_search_idx
     set (fastupdate = on, gin_pending_list_limit = 65536)"];

/// As the migration made it. The last statement sorts in what waits.
const AT_ONCE: [&str; 3] = [
    "alter index {schema}.members_search_idx set (fastupdate = off)",
    "alter index {schema}.members_search_idx reset (gin_pending_list_limit)",
    "select gin_clean_pending_list('{schema}.members_search_idx')",
];

/// Runs `load`, in which many members are added. The index is as before afterwards, also when the
/// load fails; after one that was killed, the next one sees to it.
pub(super) async fn sorted_in_later<T>(
    backend: &Backend,
    tenant: &ResolvedTenant,
    load: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (admin, plane) = (backend.admin()?, Plane::of(tenant));
    plane::run(admin, &plane, &LATER).await?;
    let loaded = load.await;
    let restored = plane::run(admin, &plane, &AT_ONCE).await;
    let loaded = loaded?;
    restored.map(|()| loaded)
}
