use saas_core::AuditEntry;
use sqlx::{Executor, Postgres};

use super::{AuditError, rows::StoredEntry};
use crate::db::{TenantTx, append_entry};

/// Adds an entry in the transaction of the change, so that both are committed or neither is.
///
/// # Errors
/// [`AuditError::Foreign`] when the entry was not made from the transaction's scope,
/// [`AuditError::TooLarge`] when it has more than 128 KiB, [`AuditError::Tenancy`] when the
/// database fails. Then the transaction cannot be committed.
pub async fn append(tx: &mut TenantTx<'_>, entry: &AuditEntry) -> Result<(), AuditError> {
    let scope = tx.scope();
    if (entry.tenant, &entry.actor, entry.request)
        != (scope.tenant(), scope.actor(), scope.request())
    {
        return Err(AuditError::Foreign);
    }
    insert(tx, StoredEntry::of(entry)?).await
}

/// Adds an entry in a transaction on the control plane, for a change that is made there. It waits
/// there until it is relayed into the tenant's home.
///
/// `executor` is a transaction of the framework: a `ControlTx` that may write, or a
/// [`SystemTx`](crate::db::SystemTx).
///
/// # Errors
/// [`AuditError::TooLarge`] when the entry has more than 128 KiB, [`AuditError::Tenancy`] when the
/// database fails, also when the control plane knows no such tenant.
pub async fn append_pending<'c, E>(executor: E, entry: &AuditEntry) -> Result<(), AuditError>
where
    E: Executor<'c, Database = Postgres>,
{
    let stored = StoredEntry::of(entry)?;
    append_entry(executor, stored.tenant, stored.id, &stored.entry).await?;
    Ok(())
}

/// Adds an entry unless it is there.
pub(super) async fn insert(tx: &mut TenantTx<'_>, entry: StoredEntry) -> Result<(), AuditError> {
    // The tenant comes from the transaction's context and the transaction's id from a trigger.
    sqlx::query(
        "insert into saas_audit
             (id, occurred_at, actor, action, target_kind, target_id, outcome, entry, xid)
         values ($1, $2, $3, $4, $5, $6, $7, $8, '0')
         on conflict (tenant_id, occurred_at, id) do nothing",
    )
    .bind(entry.id.as_uuid())
    .bind(entry.occurred_at)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.target_kind)
    .bind(entry.target_id)
    .bind(entry.outcome)
    .bind(entry.entry)
    .execute(tx)
    .await?;
    Ok(())
}
