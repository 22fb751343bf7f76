//! A cache before another store.
//!
//! 1. A lookup that is known costs no await of the backend, and many lookups of one name at once
//!    ask the backend once.
//! 2. That a name leads nowhere is kept too, for a short while and in room of its own: unknown
//!    hosts reach the backend rarely and push no tenant out.
//! 3. A change made through the cache is seen by the next lookup, and a lookup that began before
//!    the change never brings the old state back.
//! 4. Changes made elsewhere are told by a source through [`Invalidations`]. While the source is
//!    cut off, every lookup goes to the backend; once it is back, all is forgotten first.
//! 5. Failures are never kept.
//! 6. Entries end after a while in any case: the last line, should a change never be told.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use saas_core::{AuditEntry, Clock, TenantId};
//! use saas_tenancy::store::{CachedTenantStore, MemoryTenantStore};
//! use saas_tenancy::{Isolation, NewTenant, TenantStore};
//!
//! let clock = Clock::system();
//! let backend = Arc::new(MemoryTenantStore::new(clock.clone()));
//! let store = CachedTenantStore::new(backend, clock.clone());
//!
//! let acme = "acme".parse()?;
//! assert!(store.by_slug(&acme).await?.is_none());
//! assert_eq!(store.cached_by_slug(&acme), Some(None), "known to be absent");
//!
//! let id = TenantId::generate(&clock);
//! store.insert(NewTenant::new(id, acme.clone(), "Acme", Isolation::Shared)).await?;
//! store.mark_ready(id).await?;
//! assert_eq!(store.by_slug(&acme).await?.map(|tenant| tenant.id), Some(id));
//! # Ok(())
//! # }
//! ```

mod entries;
mod flight;
#[cfg(test)]
mod tests;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{AuditEntry, Clock, TenantId};

use self::entries::{Bounds, Entries, Name, Names};
use super::{TenantChange, TenantStore};
use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::Server,
    resolve::HostName,
    slug::Slug,
    tenant::{NewTenant, Tenant},
};

/// A [`TenantStore`] that remembers what another one answered. See the [module](self) for the
/// rules.
#[derive(Debug)]
pub struct CachedTenantStore {
    inner: Arc<dyn TenantStore>,
    entries: Arc<Entries>,
}

impl CachedTenantStore {
    /// A cache before `inner`: 10,000 names of each kind, for a minute, and 5 seconds for those
    /// that lead nowhere.
    ///
    /// It trusts that `inner` changes only through this value. Where other processes change it
    /// too, add [`with_invalidations`](Self::with_invalidations).
    #[must_use]
    pub fn new(inner: Arc<dyn TenantStore>, clock: Clock) -> Self {
        let bounds = Bounds {
            capacity: 10_000,
            ttl: Duration::from_secs(60),
            absent_ttl: Duration::from_secs(5),
        };
        Self { inner, entries: Arc::new(Entries::new(bounds, clock)) }
    }

    /// Keeps at most `names` ids, slugs and domains each, and as many of each that lead nowhere.
    #[must_use]
    pub fn with_capacity(self, names: u64) -> Self {
        self.with_bounds(|bounds| Bounds { capacity: names, ..bounds })
    }

    /// Keeps a tenant for `ttl`.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        self.with_bounds(|bounds| Bounds { ttl, ..bounds })
    }

    /// Keeps that a name leads nowhere for `ttl`.
    #[must_use]
    pub fn with_absent_ttl(self, ttl: Duration) -> Self {
        self.with_bounds(|bounds| Bounds { absent_ttl: ttl, ..bounds })
    }

    /// Lets a source tell what changes elsewhere. Give the handle to the source; until it is
    /// [`connected`](Invalidations::connected) the cache serves nothing. Call this last.
    #[must_use]
    pub fn with_invalidations(self) -> (Self, Invalidations) {
        self.entries.disconnect();
        let invalidations = Invalidations { entries: Arc::clone(&self.entries) };
        (self, invalidations)
    }

    /// What is known of a tenant's id, at once: `None` is nothing, `Some(None)` that there is no
    /// such tenant.
    #[must_use]
    pub fn cached_by_id(&self, id: TenantId) -> Option<Option<Arc<Tenant>>> {
        self.entries.get(&self.entries.by_id, &id)
    }

    /// The same for a slug.
    #[must_use]
    pub fn cached_by_slug(&self, slug: &Slug) -> Option<Option<Arc<Tenant>>> {
        self.entries.get(&self.entries.by_slug, slug)
    }

    /// The same for a domain.
    #[must_use]
    pub fn cached_by_domain(&self, name: &HostName) -> Option<Option<Arc<Tenant>>> {
        self.entries.get(&self.entries.by_domain, name)
    }

    fn with_bounds(self, change: impl FnOnce(Bounds) -> Bounds) -> Self {
        let (bounds, clock) = (change(self.entries.bounds()), self.entries.clock().clone());
        Self { entries: Arc::new(Entries::new(bounds, clock)), ..self }
    }

    /// Answers from the cache, or asks the backend together with all who ask for the same.
    async fn read<K: Name>(
        &self,
        names: &Names<K>,
        key: &K,
        load: impl Future<Output = Result<Option<Arc<Tenant>>, TenancyError>>,
    ) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let entries = &self.entries;
        if let Some(known) = entries.get(names, key) {
            return Ok(known);
        }
        let began = entries.generation();
        let loaded = names.flights.run(key, began, async {
            // Another lookup may have ended between the first look and this one.
            if let Some(known) = entries.get(names, key) {
                return Ok(known);
            }
            let tenant = load.await.map_err(Arc::new)?;
            entries.keep(names, key, tenant.as_ref(), began);
            Ok(tenant)
        });
        loaded.await.map_err(share)
    }

    /// To be held while the backend changes a tenant.
    fn changing(&self, id: TenantId) -> Changing<'_> {
        Changing { entries: &self.entries, id }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl TenantStore for CachedTenantStore {
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.read(&self.entries.by_id, &id, self.inner.by_id(id)).await
    }

    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.read(&self.entries.by_slug, slug, self.inner.by_slug(slug)).await
    }

    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.read(&self.entries.by_domain, name, self.inner.by_domain(name)).await
    }

    async fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Arc<Tenant>>, TenancyError> {
        self.inner.list(after, limit).await
    }

    async fn insert(&self, tenant: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
        let _changing = self.changing(tenant.id);
        self.inner.insert(tenant).await
    }

    async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError> {
        let _changing = self.changing(id);
        self.inner.mark_ready(id).await
    }

    async fn update(
        &self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        let _changing = self.changing(id);
        self.inner.update(id, change, expected).await
    }

    async fn remove(&self, id: TenantId) -> Result<(), TenancyError> {
        let _changing = self.changing(id);
        self.inner.remove(id).await
    }

    async fn domains(&self, tenant: TenantId) -> Result<Vec<Domain>, TenancyError> {
        self.inner.domains(tenant).await
    }

    async fn claim_domain(
        &self,
        domain: Domain,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        let _changing = self.changing(domain.tenant);
        self.inner.claim_domain(domain, note).await
    }

    async fn set_verified(
        &self,
        tenant: TenantId,
        domain: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        let _changing = self.changing(tenant);
        self.inner.set_verified(tenant, domain, at).await
    }

    async fn release_domain(
        &self,
        tenant: TenantId,
        domain: DomainId,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        let _changing = self.changing(tenant);
        self.inner.release_domain(tenant, domain, note).await
    }

    async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
        self.inner.servers().await
    }
}

/// What a source of changes tells a [`CachedTenantStore`].
///
/// It starts cut off. Dropping it cuts the source off for good: a source that died must not leave
/// a cache behind that believes to be told.
#[derive(Debug)]
pub struct Invalidations {
    entries: Arc<Entries>,
}

impl Invalidations {
    /// From now on every change is told. What was kept until now is forgotten.
    pub fn connected(&self) {
        self.entries.connect();
    }

    /// From now on changes may be missed: every lookup goes to the backend.
    pub fn disconnected(&self) {
        self.entries.disconnect();
    }

    /// A tenant changed, or its domains did.
    pub fn changed(&self, id: TenantId) {
        self.entries.forget(id);
    }

    /// Whether the cache serves what it keeps.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.entries.is_connected()
    }
}

impl Drop for Invalidations {
    fn drop(&mut self) {
        self.entries.disconnect();
    }
}

/// Forgets a tenant when a change of it ends, however it ends: one that failed or was cancelled
/// may have happened all the same.
struct Changing<'a> {
    entries: &'a Entries,
    id: TenantId,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.entries.forget(self.id);
    }
}

/// What a lookup that many wait for came to.
type Loaded = Result<Option<Arc<Tenant>>, Arc<TenancyError>>;

/// One failure for many that waited for it.
fn share(error: Arc<TenancyError>) -> TenancyError {
    match *error {
        TenancyError::Busy => TenancyError::Busy,
        _ => TenancyError::store(Shared(error)),
    }
}

/// Stands for the cause of a failure, so that the chain reads the same for all.
#[derive(Debug)]
struct Shared(Arc<TenancyError>);

impl Shared {
    fn cause(&self) -> &(dyn Error + 'static) {
        self.0.source().unwrap_or(&*self.0)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause())
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().source()
    }
}
