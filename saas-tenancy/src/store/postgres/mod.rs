//! Tenants in the control plane's database.
//!
//! 1. Lookups run on the application's connections, whose role cannot list tenants: it calls
//!    functions that answer with one tenant for one name.
//! 2. Changes and [`list`](TenantStore::list) are system work: they run as `saas_admin` on the admin
//!    connections and leave a line in `saas_tenancy.system_audit`.
//! 3. Every change of a tenant or of its domains is told on the channel `saas_tenancy_changed` when
//!    it is committed. A [`ChangeListener`](super::ChangeListener) passes it on to a cache.
//! 4. The tables are made by [`MIGRATIONS`], run by
//!    [`migrate::control_plane`](crate::migrate::control_plane).
//!
//! # Deployment caveat
//! Lookups must reach the primary server. A replica lags behind, and a cache that is told of a
//! change would read the old state from it and keep that.

mod changes;
mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{Actor, AuditEntry, Clock, RequestId, TenantId};
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use self::rows::{domain, server, tenant};
use super::{TenantChange, TenantStore, page};
use crate::{
    db::{SystemTx, TenantDatabases, append_entry},
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::Server,
    resolve::HostName,
    slug::Slug,
    tenant::{NewTenant, Tenant},
};

/// The migrations of the schema `saas_tenancy`, as name and text, in their order.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_tenancy", include_str!("../../../migrations/0001_tenancy.sql")),
    ("0002_audit", include_str!("../../../migrations/0002_audit.sql")),
    ("0003_vault", include_str!("../../../migrations/0003_vault.sql")),
];

/// A [`TenantStore`] in the control plane's database. See the [module](self) for the rules.
///
/// Put a [`CachedTenantStore`](super::CachedTenantStore) before it: by itself it asks the database
/// on every request.
#[derive(Debug, Clone)]
pub struct PostgresTenantStore {
    databases: TenantDatabases,
    clock: Clock,
}

impl PostgresTenantStore {
    /// A store on the control server of `databases`. What it writes is stamped with the time of
    /// `clock`. Changes need an admin address there.
    #[must_use]
    pub const fn new(databases: TenantDatabases, clock: Clock) -> Self {
        Self { databases, clock }
    }

    /// Runs one statement that only reads, as the application. Its transaction is dropped, because
    /// nobody has to wait for the end of one that changed nothing.
    async fn read(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, TenancyError> {
        let read = async {
            let mut tx = self.databases.lookup().await?;
            Ok(query.fetch_all(&mut tx).await?)
        };
        read.await.map_err(unavailable)
    }

    async fn find(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let rows = self.read(query).await?;
        rows.first().map(|row| tenant(row).map(Arc::new)).transpose()
    }

    /// The same for a change that somebody has asked for: the system's log names them, too.
    async fn noted(
        &self,
        reason: &'static str,
        note: Option<&AuditEntry>,
    ) -> Result<SystemTx, TenancyError> {
        let Some(note) = note else { return self.system(reason).await };
        self.databases.system(&note.actor, note.request, reason).await.map_err(unavailable)
    }

    /// Opens a transaction across tenants. `reason` goes into the audit.
    async fn system(&self, reason: &'static str) -> Result<SystemTx, TenancyError> {
        let actor = Actor::System { reason: "tenant_store".to_owned() };
        let request = RequestId::generate(&self.clock);
        self.databases.system(&actor, request, reason).await.map_err(unavailable)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl TenantStore for PostgresTenantStore {
    async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let sql = rows::select_tenant!("saas_tenancy.tenant_by_id($1)");
        self.find(sqlx::query(sql).bind(id.as_uuid())).await
    }

    async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let sql = rows::select_tenant!("saas_tenancy.tenant_by_slug($1)");
        self.find(sqlx::query(sql).bind(slug.as_str())).await
    }

    async fn by_domain(&self, name: &HostName) -> Result<Option<Arc<Tenant>>, TenancyError> {
        let sql = rows::select_tenant!("saas_tenancy.tenant_by_domain($1)");
        self.find(sqlx::query(sql).bind(name.as_str())).await
    }

    async fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Arc<Tenant>>, TenancyError> {
        let mut tx = self.system("tenant.list").await?;
        let limit = i64::try_from(page(limit)).unwrap_or(i64::MAX);
        let tenants = changes::list(&mut tx, after, limit).await?;
        end(tx).await?;
        Ok(tenants)
    }

    async fn insert(&self, new: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
        let mut tx = self.system("tenant.insert").await?;
        let tenant = changes::insert(&mut tx, new, self.clock.now()).await?;
        end(tx).await?;
        Ok(Arc::new(tenant))
    }

    async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError> {
        let mut tx = self.system("tenant.mark_ready").await?;
        changes::mark_ready(&mut tx, id, self.clock.now()).await?;
        end(tx).await
    }

    async fn update(
        &self,
        id: TenantId,
        change: TenantChange,
        expected: Option<i64>,
    ) -> Result<Arc<Tenant>, TenancyError> {
        let note = change.note.clone();
        let mut tx = self.noted("tenant.update", note.as_ref()).await?;
        let tenant = changes::update(&mut tx, id, change, expected).await?;
        append(&mut tx, id, note).await?;
        end(tx).await?;
        Ok(Arc::new(tenant))
    }

    async fn remove(&self, id: TenantId) -> Result<(), TenancyError> {
        let mut tx = self.system("tenant.remove").await?;
        changes::remove(&mut tx, id).await?;
        end(tx).await
    }

    async fn domains(&self, tenant: TenantId) -> Result<Vec<Domain>, TenancyError> {
        let sql = "select id, tenant_id, name, token, verified_at
             from saas_tenancy.domains_of_tenant($1) order by name collate \"C\"";
        let rows = self.read(sqlx::query(sql).bind(tenant.as_uuid())).await?;
        rows.iter().map(domain).collect()
    }

    async fn claim_domain(
        &self,
        domain: Domain,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        let mut tx = self.noted("domain.claim", note.as_ref()).await?;
        changes::claim_domain(&mut tx, &domain).await?;
        append(&mut tx, domain.tenant, note).await?;
        end(tx).await
    }

    async fn set_verified(
        &self,
        tenant: TenantId,
        domain: DomainId,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), TenancyError> {
        let mut tx = self.system("domain.verify").await?;
        changes::set_verified(&mut tx, tenant, domain, at).await?;
        end(tx).await
    }

    async fn release_domain(
        &self,
        tenant: TenantId,
        domain: DomainId,
        note: Option<AuditEntry>,
    ) -> Result<(), TenancyError> {
        let mut tx = self.noted("domain.release", note.as_ref()).await?;
        changes::release_domain(&mut tx, tenant, domain).await?;
        append(&mut tx, tenant, note).await?;
        end(tx).await
    }

    async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
        let sql = "select id, name, secret_ref, capacity
             from saas_tenancy.servers order by is_default desc, name";
        let rows = self.read(sqlx::query(sql)).await?;
        rows.iter().map(server).collect()
    }
}

async fn end(tx: SystemTx) -> Result<(), TenancyError> {
    tx.commit().await.map_err(unavailable)
}

/// A store whose database fails is a store that fails: 503, and the client may try again.
fn unavailable(error: TenancyError) -> TenancyError {
    match error {
        TenancyError::Database(source) => TenancyError::Store(source),
        other => other,
    }
}

/// Adds the entry to the log of the tenant, in the transaction of the change. One of another tenant
/// is a mistake of the caller.
async fn append(
    tx: &mut SystemTx,
    tenant: TenantId,
    note: Option<AuditEntry>,
) -> Result<(), TenancyError> {
    let Some(note) = note else { return Ok(()) };
    if note.tenant != tenant {
        return Err(TenancyError::store("the audit entry is of another tenant than the change"));
    }
    let json = serde_json::to_string(&note).map_err(TenancyError::store)?;
    append_entry(tx, tenant, note.id, &json).await.map_err(TenancyError::store)
}
