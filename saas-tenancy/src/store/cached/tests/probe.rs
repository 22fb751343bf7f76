use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use saas_core::{AuditEntry, Clock, TenantId, clock::Hand};
use tokio::sync::Semaphore;

use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::{Isolation, Server},
    resolve::HostName,
    slug::Slug,
    store::{CachedTenantStore, MemoryTenantStore, TenantChange, TenantStore},
    tenant::{NewTenant, Tenant},
};

/// A backend that counts lookups, lets them and updates wait at a gate after they have read or
/// written, and fails on request.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) inner: MemoryTenantStore,
    pub(super) lookups: AtomicU32,
    pub(super) gate: Semaphore,
    pub(super) update_gate: Semaphore,
    /// How many lookups fail from now on.
    pub(super) failing: AtomicU32,
}

impl Probe {
    async fn lookup(
        &self,
        read: impl Future<Output = Result<Option<Arc<Tenant>>, TenancyError>>,
    ) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let answer = read.await;
        self.gate.acquire().await.expect("the gate is never closed").forget();
        let left =
            self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() { Err(TenancyError::store("the backend is away")) } else { answer }
    }
}

#[async_trait]
impl TenantStore for Probe {
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.lookup(self.inner.by_id(id)).await
    }
    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.lookup(self.inner.by_slug(slug)).await
    }
    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError> {
        self.lookup(self.inner.by_domain(name)).await
    }
    async fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Arc<Tenant>>, TenancyError> {
        self.inner.list(after, limit).await
    }
    async fn insert(&self, tenant: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
        self.inner.insert(tenant).await
    }
    async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError> {
        self.inner.mark_ready(id).await
    }
    async fn update(
        &self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        let answer = self.inner.update(id, change, expected).await;
        self.update_gate.acquire().await.expect("the gate is never closed").forget();
        answer
    }
    async fn remove(&self, id: TenantId) -> Result<(), TenancyError> {
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
        self.inner.claim_domain(domain, note).await
    }
    async fn set_verified(
        &self,
        tenant: TenantId,
        domain: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        self.inner.set_verified(tenant, domain, at).await
    }
    async fn release_domain(
        &self,
        tenant: TenantId,
        domain: DomainId,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        self.inner.release_domain(tenant, domain, note).await
    }
    async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
        self.inner.servers().await
    }
}

/// A cache before a probe, by a clock that is moved by hand.
pub(super) struct Bench {
    pub(super) clock: Clock,
    pub(super) hand: Hand,
    pub(super) probe: Arc<Probe>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let (clock, hand) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap());
        let probe = Probe {
            inner: MemoryTenantStore::new(clock.clone()),
            lookups: AtomicU32::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            update_gate: Semaphore::new(Semaphore::MAX_PERMITS),
            failing: AtomicU32::new(0),
        };
        Self { clock, hand, probe: Arc::new(probe) }
    }

    pub(super) fn cache(&self) -> CachedTenantStore {
        CachedTenantStore::new(self.probe.clone(), self.clock.clone())
    }

    /// A ready tenant, made behind the cache's back.
    pub(super) async fn tenant(&self, slug: &str) -> Arc<Tenant> {
        let id = TenantId::generate(&self.clock);
        let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
        let tenant = self.probe.insert(new).await.unwrap();
        self.probe.mark_ready(id).await.unwrap();
        tenant
    }

    /// A verified domain, made behind the cache's back.
    pub(super) async fn domain(&self, tenant: TenantId, name: &str) -> Domain {
        let id = DomainId::generate(&self.clock);
        let name = serde_json::from_value(name.into()).unwrap();
        let domain = Domain { id, tenant, name, token: "t".into(), verified_at: None };
        self.probe.claim_domain(domain.clone(), None).await.unwrap();
        self.probe.set_verified(tenant, id, Some(self.clock.now())).await.unwrap();
        domain
    }

    pub(super) fn close_gate(&self) {
        self.probe.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn open_gate(&self) {
        self.probe.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn lookups(&self) -> u32 {
        self.probe.lookups.load(Ordering::SeqCst)
    }
}
