//! Tenants that never change, one for each way a tenant can stand.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{AuditEntry, TenantId};
use saas_tenancy::{
    Isolation, Placement, ServerId, Slug, Status, TenancyError, Tenant, TenantStore,
    domain::{Domain, DomainId},
    placement::Server,
    resolve::HostName,
    store::TenantChange,
    tenant::{Limits, NewTenant, Settings},
};
use uuid::Uuid;

/// The only custom domain; it is acme's.
pub(crate) const ACME_DOMAIN: &str = "members.acme.example";

/// Looking for this slug fails.
pub(crate) const UNREACHABLE: &str = "unreachable";

const TENANTS: [(&str, Status, Isolation); 8] = [
    ("acme", Status::Active, Isolation::Shared),
    ("globex", Status::Trial, Isolation::Schema),
    ("umbrella", Status::PastDue, Isolation::Database),
    ("paused", Status::Paused, Isolation::Shared),
    ("hooli", Status::Suspended, Isolation::Shared),
    ("cancelled", Status::Cancelled, Isolation::Shared),
    ("deleting", Status::Deleting, Isolation::Shared),
    ("halfmade", Status::Active, Isolation::Shared),
];

/// The tenants above; `halfmade` is not ready, so it is found by its id only.
#[derive(Debug)]
pub(crate) struct FixedStore {
    tenants: Vec<Arc<Tenant>>,
    look_ups: AtomicUsize,
}

impl FixedStore {
    pub(crate) fn new() -> Self {
        let tenants = TENANTS.iter().zip(1..).map(|(&(slug, status, isolation), number)| {
            Arc::new(Tenant {
                id: TenantId::from_uuid(Uuid::from_u128(number)),
                slug: slug.parse().unwrap(),
                name: slug.to_uppercase(),
                status,
                placement: Placement { server: ServerId::from_uuid(Uuid::nil()), isolation },
                settings: Settings::default(),
                limits: Limits::default(),
                created_at: DateTime::UNIX_EPOCH,
                version: 1,
            })
        });
        Self { tenants: tenants.collect(), look_ups: AtomicUsize::new(0) }
    }

    /// The id of the tenant called `slug`, ready or not.
    pub(crate) fn id(&self, slug: &str) -> TenantId {
        self.tenants.iter().find(|tenant| tenant.slug.as_str() == slug).unwrap().id
    }

    /// How often a tenant was looked up.
    pub(crate) fn look_ups(&self) -> usize {
        self.look_ups.load(Ordering::Relaxed)
    }

    fn find(&self, wanted: impl Fn(&Tenant) -> bool) -> Option<Arc<Tenant>> {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        self.tenants.iter().find(|tenant| wanted(tenant)).cloned()
    }
}

fn ready(tenant: &Tenant) -> bool {
    tenant.slug.as_str() != "halfmade"
}

fn unchanging<T>() -> Result<T, TenancyError> {
    Err(TenancyError::store("a fixed store only finds tenants"))
}

#[async_trait]
impl TenantStore for FixedStore {
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
        Ok(self.find(|tenant| tenant.id == id))
    }

    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
        if slug.as_str() == UNREACHABLE {
            return Err(TenancyError::store("connection to 10.9.8.7 refused"));
        }
        Ok(self.find(|tenant| tenant.slug == *slug && ready(tenant)))
    }

    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError> {
        Ok(self.find(|tenant| tenant.slug.as_str() == "acme" && name.as_str() == ACME_DOMAIN))
    }

    async fn list(&self, _: Option<TenantId>, _: u32) -> Result<Vec<Arc<Tenant>>, TenancyError> {
        unchanging()
    }

    async fn insert(&self, _: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
        unchanging()
    }

    async fn mark_ready(&self, _: TenantId) -> Result<(), TenancyError> {
        unchanging()
    }

    async fn update(
        &self,
        _: TenantId,
        _: TenantChange,
        _: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        unchanging()
    }

    async fn remove(&self, _: TenantId) -> Result<(), TenancyError> {
        unchanging()
    }

    async fn domains(&self, _: TenantId) -> Result<Vec<Domain>, TenancyError> {
        unchanging()
    }

    async fn claim_domain(&self, _: Domain, _: Option<AuditEntry>) -> Result<(), TenancyError> {
        unchanging()
    }

    async fn set_verified(
        &self,
        _: TenantId,
        _: DomainId,
        _: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        unchanging()
    }

    async fn release_domain(
        &self,
        _: TenantId,
        _: DomainId,
        _: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        unchanging()
    }

    async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
        unchanging()
    }
}
