use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{AuditEntry, Clock, TenantId};

use super::{DEFAULT_SERVER, TenantChange, TenantStore, page};
use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::{Isolation, Placement, Server, ServerId},
    resolve::HostName,
    slug::Slug,
    tenant::{NewTenant, Status, Tenant},
};

/// Tenants in the memory of this process: the reference for the other stores, and enough for
/// tests. Everything is gone when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use saas_core::{Clock, TenantId};
/// use saas_tenancy::{Isolation, NewTenant, TenantStore, store::MemoryTenantStore};
///
/// let clock = Clock::system();
/// let store = MemoryTenantStore::new(clock.clone());
/// let id = TenantId::generate(&clock);
/// store.insert(NewTenant::new(id, "acme".parse()?, "Acme", Isolation::Shared)).await?;
/// assert!(store.by_slug(&"acme".parse()?).await?.is_none(), "half-made tenants do not resolve");
///
/// store.mark_ready(id).await?;
/// assert_eq!(store.by_slug(&"acme".parse()?).await?.map(|tenant| tenant.id), Some(id));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryTenantStore {
    clock: Clock,
    state: Mutex<State>,
}

impl MemoryTenantStore {
    /// An empty store with one server, called `default`. Tenants are stamped with the time of
    /// `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let server = Server {
            id: DEFAULT_SERVER,
            name: "default".into(),
            secret_ref: "DATABASE_URL".into(),
            capacity: None,
        };
        Self { clock, state: Mutex::new(State { servers: vec![server], ..State::default() }) }
    }

    /// Adds a server behind those that are there; the first one stays the default.
    #[must_use]
    pub fn with_server(self, server: Server) -> Self {
        self.state().servers.push(server);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made whole or not at all, so a panic elsewhere leaves nothing broken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TenantStore for MemoryTenantStore {
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
        Ok(self.state().tenants.get(&id).map(|row| Arc::clone(&row.tenant)))
    }

    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let state = self.state();
        Ok(state.used_slugs.get(slug).and_then(|id| state.ready(*id)))
    }

    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let state = self.state();
        Ok(state.owner_of(name).and_then(|id| state.ready(id)))
    }

    async fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Arc<Tenant>>, TenancyError> {
        let state = self.state();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = state.tenants.range((from, Bound::Unbounded)).map(|(_, row)| row);
        Ok(rows.take(page(limit)).map(|row| Arc::clone(&row.tenant)).collect())
    }

    async fn insert(&self, new: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
        self.state().insert(new, self.clock.now())
    }

    async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError> {
        self.state().row(id)?.ready = true;
        Ok(())
    }

    async fn update(
        &self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        self.state().update(id, change, expected)
    }

    async fn remove(&self, id: TenantId) -> Result<(), TenancyError> {
        self.state().remove(id);
        Ok(())
    }

    async fn domains(&self, tenant: TenantId) -> Result<Vec<Domain>, TenancyError> {
        let state = self.state();
        let mut domains: Vec<_> =
            state.domains.iter().filter(|domain| domain.tenant == tenant).cloned().collect();
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(domains)
    }

    async fn claim_domain(
        &self,
        domain: Domain,
        _note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        self.state().claim(domain)
    }

    async fn set_verified(
        &self,
        tenant: TenantId,
        domain: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        self.state().set_verified(tenant, domain, at)
    }

    async fn release_domain(
        &self,
        tenant: TenantId,
        domain: DomainId,
        _note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        self.state().domains.retain(|one| (one.tenant, one.id) != (tenant, domain));
        Ok(())
    }

    async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
        Ok(self.state().servers.clone())
    }
}

#[derive(Debug, Default)]
struct State {
    servers: Vec<Server>,
    tenants: BTreeMap<TenantId, Row>,
    /// Keeps the slugs of tenants that are gone, if they were ever ready: a slug is given once.
    used_slugs: HashMap<Slug, TenantId>,
    /// The same for their ids.
    used_ids: HashSet<TenantId>,
    domains: Vec<Domain>,
}

#[derive(Debug)]
struct Row {
    tenant: Arc<Tenant>,
    ready: bool,
}

impl State {
    fn ready(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.tenants.get(&id).filter(|row| row.ready).map(|row| Arc::clone(&row.tenant))
    }

    fn row(&mut self, id: TenantId) -> Result<&mut Row, TenancyError> {
        self.tenants.get_mut(&id).ok_or(TenancyError::NotFound)
    }

    fn owner_of(&self, name: &HostName) -> Option<TenantId> {
        let mut owners = self.domains.iter().filter(|one| one.verified_at.is_some());
        owners.find(|one| one.name == *name).map(|one| one.tenant)
    }

    /// The server, if it is there; without one the default.
    fn place(
        &self,
        server: Option<ServerId>,
        isolation: Isolation,
    ) -> Result<Placement, TenancyError> {
        let mut servers = self.servers.iter().map(|one| one.id);
        let found = match server {
            Some(id) => servers.find(|one| *one == id),
            None => servers.next(),
        };
        found
            .map(|server| Placement { server, isolation })
            .ok_or(TenancyError::Unprovisionable { isolation, needs: super::KNOWN_SERVER })
    }

    fn insert(&mut self, new: NewTenant, now: DateTime<Utc>) -> Result<Arc<Tenant>, TenancyError> {
        if let Some(row) = self.tenants.get(&new.id) {
            let same = row.tenant.slug == new.slug;
            return if same { Ok(Arc::clone(&row.tenant)) } else { Err(TenancyError::Stale) };
        }
        if self.used_slugs.contains_key(&new.slug) {
            return Err(TenancyError::SlugTaken);
        }
        if self.used_ids.contains(&new.id) {
            return Err(TenancyError::Stale);
        }
        let tenant = Arc::new(Tenant {
            id: new.id,
            slug: new.slug,
            name: new.name,
            status: Status::default(),
            placement: self.place(new.server, new.isolation)?,
            settings: new.settings,
            limits: new.limits,
            created_at: now,
            version: 1,
        });
        self.used_slugs.insert(tenant.slug.clone(), tenant.id);
        self.used_ids.insert(tenant.id);
        self.tenants.insert(tenant.id, Row { tenant: Arc::clone(&tenant), ready: false });
        Ok(tenant)
    }

    fn update(
        &mut self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        let old = Arc::clone(&self.row(id)?.tenant);
        if expected.is_some_and(|version| version != old.version) {
            return Err(TenancyError::Stale);
        }
        let placement = match change.placement {
            Some(to) => self.place(Some(to.server), to.isolation)?,
            None => old.placement,
        };
        let tenant = Arc::new(Tenant {
            id,
            slug: old.slug.clone(),
            name: change.name.unwrap_or_else(|| old.name.clone()),
            status: change.status.unwrap_or(old.status),
            placement,
            settings: change.settings.unwrap_or_else(|| old.settings.clone()),
            limits: change.limits.unwrap_or(old.limits),
            created_at: old.created_at,
            version: old.version + 1,
        });
        self.row(id)?.tenant = Arc::clone(&tenant);
        Ok(tenant)
    }

    fn remove(&mut self, id: TenantId) {
        let Some(row) = self.tenants.remove(&id) else { return };
        self.domains.retain(|domain| domain.tenant != id);
        if !row.ready {
            self.used_slugs.remove(&row.tenant.slug);
            self.used_ids.remove(&id);
        }
    }

    fn claim(&mut self, domain: Domain) -> Result<(), TenancyError> {
        self.row(domain.tenant)?;
        let claimed = |one: &Domain| {
            let own = one.tenant == domain.tenant;
            own && one.id == domain.id
                || one.name == domain.name && (own || one.verified_at.is_some())
        };
        if self.domains.iter().any(claimed) {
            return Err(TenancyError::DomainTaken);
        }
        self.domains.push(Domain { verified_at: None, ..domain });
        Ok(())
    }

    fn set_verified(
        &mut self,
        tenant: TenantId,
        id: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        let found = self.domains.iter().position(|one| (one.tenant, one.id) == (tenant, id));
        let index = found.ok_or(TenancyError::NotFound)?;
        let owner = self.owner_of(&self.domains[index].name);
        if at.is_some() && owner.is_some_and(|owner| owner != tenant) {
            return Err(TenancyError::DomainTaken);
        }
        self.domains[index].verified_at = at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;
    use chrono::TimeZone;

    #[tokio::test]
    async fn the_contract_is_kept() {
        let start = Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap();
        let (clock, _hand) = Clock::manual(start);
        conformance::run(&MemoryTenantStore::new(clock.clone()), &clock).await;
    }

    #[tokio::test]
    async fn the_contract_is_kept_behind_an_arc_of_a_trait_object() {
        let clock = Clock::system();
        let store: Arc<dyn TenantStore> = Arc::new(MemoryTenantStore::new(clock.clone()));
        conformance::run(&store, &clock).await;
        conformance::run(&Box::new(store), &clock).await;
    }
}
