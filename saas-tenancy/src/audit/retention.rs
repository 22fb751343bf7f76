use std::path::Path;

use saas_core::{
    AuditEntry, TenantId,
    audit::{Action, Changes, Target as Thing},
};
use serde_json::json;
use tokio::fs;

use super::{AuditError, AuditLog, Format, Range, append, checkpoint::Checkpoint};
use crate::{
    migrate::{Month, Target},
    resolved::ResolvedTenant,
};

/// What is noted in a log when its oldest entries go.
const EXPIRED: Action = Action::literal("audit.expire");

/// A month that was exported and signed, and may be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expiry {
    /// Whose home it is.
    pub target: Target,
    /// The month.
    pub month: Month,
    /// Whose entries were exported.
    pub tenants: Vec<TenantId>,
}

impl AuditLog {
    /// Prepares the removal of one month of the logs in a home: seals them, exports each tenant's
    /// entries into `dir`, notes it in each log, and signs that entries from before the end of the
    /// month may be gone. Months are removed oldest first.
    ///
    /// `tenants` are all whose logs are in this home: one, or all with shared isolation on a server.
    /// What it returns is for [`migrate::drop_audit_month`](crate::migrate::drop_audit_month), which
    /// an administrator runs, and which refuses when a tenant was left out.
    ///
    /// # Errors
    /// [`AuditError::ManyHomes`], [`AuditError::NoCheckpoints`], [`AuditError::Broken`] when a log is
    /// not what was signed before, [`AuditError::Io`] when an export cannot be written,
    /// [`AuditError::Tenancy`] when a database fails. Nothing is removed then; repeat it.
    pub async fn expire(
        &self,
        tenants: &[ResolvedTenant],
        month: Month,
        dir: &Path,
    ) -> Result<Expiry, AuditError> {
        let first = tenants.first().ok_or(AuditError::ManyHomes)?;
        let home = (Target::of(first), first.placement.server);
        if tenants.iter().any(|one| (Target::of(one), one.placement.server) != home) {
            return Err(AuditError::ManyHomes);
        }
        for tenant in tenants {
            self.expire_one(tenant, month, dir).await?;
        }
        let tenants = tenants.iter().map(|tenant| tenant.id).collect();
        Ok(Expiry { target: home.0, month, tenants })
    }

    async fn expire_one(
        &self,
        tenant: &ResolvedTenant,
        month: Month,
        dir: &Path,
    ) -> Result<(), AuditError> {
        let checkpoints = self.checkpoints.as_ref().ok_or(AuditError::NoCheckpoints)?;
        let mut db = self.work_on(tenant);
        // Signed as it is now, so that the export has its end vouched for.
        self.checkpoint_now(&mut db).await?;
        let path = dir.join(format!("{}-{month}.ndjson", tenant.id));
        let mut file = fs::File::create(&path).await?;
        let range = Range::between(month.start(), month.next().start());
        let exported = self.export(&mut db, range, Format::JsonLines, &mut file).await?;
        file.sync_all().await?;
        let mut tx = db.begin().await?;
        let what = Thing::new("audit_month", month.to_string());
        let entry = AuditEntry::new(tx.scope(), EXPIRED, what, &self.clock)
            .with_changes(Changes::deleted(&json!({ "entries": exported.entries })));
        append::append(&mut tx, &entry).await?;
        tx.commit().await?;
        let end = self.seal_now(&mut db).await?;
        let last = checkpoints.last(tenant.id).await?;
        self.compare(&mut db, last.as_ref()).await?;
        let kept_from = last.and_then(|last| last.kept_from).max(Some(month.next().start()));
        let (seq, hash, at) = (end.last, end.hash, self.clock.now());
        checkpoints.sign(Checkpoint { tenant: tenant.id, seq, hash, at, kept_from }).await
    }
}
