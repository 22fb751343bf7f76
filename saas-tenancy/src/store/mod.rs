//! Where tenants are kept and looked up.
//!
//! [`TenantStore`] is small and object safe. [`MemoryTenantStore`] is the reference implementation,
//! `PostgresTenantStore` (feature `postgres`) keeps tenants in the control plane, and
//! [`CachedTenantStore`] stands before either. All of them run the same conformance suite.

pub mod cached;
#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
#[cfg(feature = "postgres")]
pub mod invalidation;
mod lookup;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
mod shared;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{AuditEntry, TenantId};
use uuid::Uuid;

use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::{Placement, Server, ServerId},
    resolve::HostName,
    slug::Slug,
    tenant::{Limits, NewTenant, Settings, Status, Tenant},
};

pub use cached::{CachedTenantStore, Invalidations};
#[cfg(feature = "postgres")]
pub use invalidation::{ChangeListener, ChangeSink};
pub use memory::MemoryTenantStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresTenantStore;
#[cfg(feature = "redis")]
pub use redis::{RedisBridge, RedisListener};

/// The most tenants that one [`TenantStore::list`] answers, whatever is asked for.
pub const PAGE: u32 = 1_000;

/// The server that a new fleet starts with. It holds the control plane too.
pub const DEFAULT_SERVER: ServerId =
    ServerId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// What a placement on a server that is not there lacks.
const KNOWN_SERVER: &str = "a server that the store lists";

// ANCHOR: contract
/// Where tenants are looked up and changed.
///
/// # Contract
/// 1. A tenant is found by [`by_slug`](Self::by_slug) and [`by_domain`](Self::by_domain) only after
///    [`mark_ready`](Self::mark_ready): half-made tenants do not resolve. [`by_id`](Self::by_id)
///    and [`list`](Self::list) show them, for provisioning to resume.
/// 2. Once a tenant was ready, its slug and its id are never given again, even after it is gone:
///    what was named after it elsewhere must not fall to another. One that was never ready leaves
///    no trace, so that a failed sign-up burns no name.
/// 3. [`insert`](Self::insert) of an id that exists with the same slug returns the stored tenant: a
///    retry is not an error. An id is never given to a second slug.
/// 4. The version starts at 1 and grows by one with every [`update`](Self::update). Readiness and
///    domains are not part of the [`Tenant`] and leave it alone. Every change is seen by the next
///    read of the same store.
/// 5. An audit entry that comes with a change is added to the log of the tenant in the same
///    transaction, by a store that has one.
/// 6. A domain resolves only while it is verified; one name belongs to at most one tenant.
///
/// # Errors
/// Every method may answer [`TenancyError::Store`] when the backend cannot be reached.
#[async_trait]
pub trait TenantStore: fmt::Debug + Send + Sync + 'static {
    /// The tenant with this id, ready or not.
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError>;

    /// The ready tenant of this name.
    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError>;

    /// The ready tenant that owns this verified domain.
    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError>;

    /// Tenants in the order of their ids, ready or not, from the one behind `after`. At most
    /// `limit`, and never more than [`PAGE`].
    async fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Arc<Tenant>>, TenancyError>;

    /// Stores a tenant that is not ready yet.
    ///
    /// # Errors
    /// [`TenancyError::SlugTaken`] when another tenant has or had the slug,
    /// [`TenancyError::Stale`] when the id has or had another slug,
    /// [`TenancyError::Unprovisionable`] when the server is not in the fleet.
    async fn insert(&self, tenant: NewTenant) -> Result<Arc<Tenant>, TenancyError>;

    /// Lets a tenant resolve from now on. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when there is no such tenant.
    async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError>;

    /// Changes a tenant.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when there is no such tenant, [`TenancyError::Stale`] when
    /// `expected` is given and is not its version, [`TenancyError::Unprovisionable`] when it would
    /// move to a server that is not in the fleet.
    async fn update(
        &self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError>;

    /// Forgets a tenant and its domains. Repeating it changes nothing.
    async fn remove(&self, id: TenantId) -> Result<(), TenancyError>;

    /// The domains that a tenant claims, by name.
    async fn domains(&self, tenant: TenantId) -> Result<Vec<Domain>, TenancyError>;

    /// Claims a domain for its tenant, and notes it; unverified until [`set_verified`](Self::set_verified),
    /// whatever the value says.
    ///
    /// # Errors
    /// [`TenancyError::DomainTaken`] when a tenant has verified the name already, or this one has
    /// a claim with the name or the id; [`TenancyError::NotFound`] when there is no such tenant.
    async fn claim_domain(
        &self,
        domain: Domain,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError>;

    /// States when a domain's ownership was proven last, or with `None` that the proof is gone.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when the tenant claims no such domain,
    /// [`TenancyError::DomainTaken`] when another tenant has proven it first.
    async fn set_verified(
        &self,
        tenant: TenantId,
        domain: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError>;

    /// Gives a domain up. Repeating it changes nothing.
    async fn release_domain(
        &self,
        tenant: TenantId,
        domain: DomainId,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError>;

    /// The servers of the fleet, the default one first.
    async fn servers(&self) -> Result<Vec<Server>, TenancyError>;
}
// ANCHOR_END: contract

/// What [`TenantStore::update`] changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantChange {
    /// The name for people.
    pub name: Option<String>,
    /// Whether it is served.
    pub status: Option<Status>,
    /// Where its data lives.
    pub placement: Option<Placement>,
    /// What its owners set.
    pub settings: Option<Settings>,
    /// What it may use up.
    pub limits: Option<Limits>,
    /// What is added to the tenant's audit log in the same transaction. It is no change by itself.
    pub note: Option<AuditEntry>,
}

/// A page's size within its bound.
fn page(limit: u32) -> usize {
    usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX)
}
