use saas_core::{AuditEntry, TenantId};
use sqlx::Row;
use uuid::Uuid;

use super::{AuditError, AuditLog, append::insert, rows::StoredEntry};
use crate::db::TenantDb;

/// How many entries are relayed at once.
const BATCH: i64 = 500;

impl AuditLog {
    /// Brings the entries that were written in the control plane into the tenant's log. Repeating it
    /// adds nothing, also after a crash half way.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when a database fails, [`AuditError::Damaged`] when an entry cannot
    /// be read; what was relayed before stays.
    pub async fn relay(&self, db: &mut TenantDb) -> Result<(), AuditError> {
        let tenant = db.scope().tenant();
        loop {
            let waiting = self.waiting(tenant).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            let mut tx = db.begin().await?;
            for (id, json) in &waiting {
                let entry: AuditEntry =
                    serde_json::from_str(json).map_err(|_| AuditError::Damaged(*id))?;
                insert(&mut tx, StoredEntry::with_json(&entry, json.clone())?).await?;
            }
            // Only what the tenant's home has for good is removed here.
            tx.commit().await?;
            self.remove(tenant, &waiting).await?;
        }
    }

    async fn waiting(&self, tenant: TenantId) -> Result<Vec<(Uuid, String)>, AuditError> {
        let mut tx = self.databases.lookup_of(tenant).await?;
        let rows = sqlx::query(
            "select id, entry from saas_tenancy.audit_pending where tenant_id = $1
             order by id limit $2",
        )
        .bind(tenant.as_uuid())
        .bind(BATCH)
        .fetch_all(&mut tx)
        .await?;
        let read = rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("entry")?)));
        Ok(read.collect::<Result<_, sqlx::Error>>()?)
    }

    async fn remove(&self, tenant: TenantId, done: &[(Uuid, String)]) -> Result<(), AuditError> {
        let ids: Vec<Uuid> = done.iter().map(|(id, _)| *id).collect();
        let mut tx = self.databases.lookup_of(tenant).await?;
        sqlx::query(
            "delete from saas_tenancy.audit_pending where tenant_id = $1 and id = any ($2)",
        )
        .bind(tenant.as_uuid())
        .bind(ids)
        .execute(&mut tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
