use std::sync::Arc;

use saas_core::{AuditEntry, Clock, TenantId};

use super::{
    AuditError, append,
    checkpoint::{CheckpointStore, Checkpoints},
    key::CheckpointKey,
};
use crate::{
    db::{TenantDatabases, TenantDb},
    resolved::ResolvedTenant,
    store::TenantStore,
};

/// The audit logs of all tenants. One per process; cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pub(super) databases: TenantDatabases,
    pub(super) store: Arc<dyn TenantStore>,
    pub(super) clock: Clock,
    pub(super) checkpoints: Option<Arc<Checkpoints>>,
}

impl AuditLog {
    /// The logs of the tenants of `store`. Their ends are not signed until
    /// [`with_checkpoints`](Self::with_checkpoints) says with which key.
    #[must_use]
    pub const fn new(
        databases: TenantDatabases,
        store: Arc<dyn TenantStore>,
        clock: Clock,
    ) -> Self {
        Self { databases, store, clock, checkpoints: None }
    }

    /// Signs the ends of logs with `key` and keeps what was signed in `store`.
    #[must_use]
    pub fn with_checkpoints(self, key: CheckpointKey, store: Arc<dyn CheckpointStore>) -> Self {
        Self { checkpoints: Some(Arc::new(Checkpoints::new(key, store))), ..self }
    }

    /// Adds an entry in a transaction of its own: for what was refused or failed, so that nothing
    /// else is committed.
    ///
    /// # Errors
    /// [`AuditError::Foreign`] when the entry is of another tenant, otherwise as [`append`].
    pub async fn refused(
        &self,
        tenant: &ResolvedTenant,
        entry: &AuditEntry,
    ) -> Result<(), AuditError> {
        let mut db = self.databases.scoped(tenant, entry.actor.clone(), entry.request);
        let mut tx = db.begin().await?;
        append::append(&mut tx, entry).await?;
        Ok(tx.commit().await?)
    }

    /// The tenant's database, for the log's own work.
    pub(super) async fn home_of(&self, tenant: TenantId) -> Result<TenantDb, AuditError> {
        let tenant = ResolvedTenant::by_id(&*self.store, tenant).await?;
        Ok(self.work_on(&tenant))
    }

    /// The same for a tenant that is known already.
    pub(super) fn work_on(&self, tenant: &ResolvedTenant) -> TenantDb {
        let request = saas_core::RequestId::generate(&self.clock);
        self.databases.scoped(tenant, saas_core::Actor::system("audit"), request)
    }
}
