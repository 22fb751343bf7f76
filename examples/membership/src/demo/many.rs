//! What a load of many members needs around it.
//!
//! 1. The index for searches sorts in every row at once, so that no search has to read a list of
//!    waiting ones. A load takes three times as long by that, so the list is switched on meanwhile.
//! 2. Until the server has looked at the new rows it plans as if there were none, and a page takes
//!    seconds. It looks by itself within a minute or two; a demo is tried out at once.

use saas_tenancy::ResolvedTenant;

use super::load::Loaded;
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

/// Rows that are visible to all can be found in an index alone, so this is more than to analyze.
const LOOK: [&str; 1] = ["vacuum (analyze) {schema}.members, {schema}.member_counts"];

/// Runs `load`, in which many members are added. The index is as before afterwards, also when the
/// load fails; after one that was killed, the next one sees to it.
pub(super) async fn at_once(
    backend: &Backend,
    tenant: &ResolvedTenant,
    load: impl Future<Output = Result<Loaded, Failure>>,
) -> Result<Loaded, Failure> {
    let (admin, plane) = (backend.admin()?, Plane::of(tenant));
    plane::run(admin, &plane, &LATER).await?;
    let loaded = load.await;
    let restored = plane::run(admin, &plane, &AT_ONCE).await;
    let loaded = loaded?;
    restored?;
    if loaded.added > 0 {
        plane::run(admin, &plane, &LOOK).await?;
    }
    Ok(loaded)
}
