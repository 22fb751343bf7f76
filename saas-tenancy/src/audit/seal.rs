use chrono::TimeDelta;
use saas_core::TenantId;
use sqlx::Row;

use super::{AuditError, AuditLog, Hash, checkpoint::Checkpoint};
use crate::db::TenantDb;

/// How many entries are sealed in one transaction.
const BATCH: i32 = 1_000;

/// What sealing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// How many entries were sealed.
    pub count: u64,
    /// The number of the last entry of the chain; 0 while there is none.
    pub last: i64,
    /// Its hash.
    pub hash: Hash,
    /// Whether entries are left, because a transaction that is older than theirs is under way.
    pub is_waiting: bool,
}

impl AuditLog {
    /// Relays and seals what can be sealed of a tenant's log.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when a database fails; what was sealed before stays.
    pub async fn seal_now(&self, db: &mut TenantDb) -> Result<Sealed, AuditError> {
        self.relay(db).await?;
        let mut count = 0;
        loop {
            let (made, sealed) = seal_batch(db).await?;
            count += u64::try_from(made).unwrap_or(0);
            if made < BATCH {
                return Ok(Sealed { count, ..sealed });
            }
        }
    }

    /// Signs the end of a tenant's log, after sealing it, unless that was done at this very end
    /// already.
    ///
    /// # Errors
    /// [`AuditError::NoCheckpoints`] without a key, [`AuditError::Broken`] when the log is not what
    /// was signed before, otherwise as [`seal_now`](Self::seal_now) and the store.
    pub async fn checkpoint_now(&self, db: &mut TenantDb) -> Result<(), AuditError> {
        let sealed = self.seal_now(db).await?;
        self.sign_end(db, &sealed).await
    }

    pub(super) async fn sign_end(&self, db: &mut TenantDb, end: &Sealed) -> Result<(), AuditError> {
        let checkpoints = self.checkpoints.as_ref().ok_or(AuditError::NoCheckpoints)?;
        let tenant = db.scope().tenant();
        let last = checkpoints.last(tenant).await?;
        if last.as_ref().is_some_and(|last| last.seq == end.last && last.hash == end.hash) {
            return Ok(());
        }
        let kept_from = last.as_ref().and_then(|last| last.kept_from);
        self.compare(db, last.as_ref()).await?;
        if end.last == 0 {
            return Ok(());
        }
        let at = self.clock.now();
        checkpoints.sign(Checkpoint { tenant, seq: end.last, hash: end.hash, at, kept_from }).await
    }

    /// Whether it is time to sign the end of a log.
    pub(super) async fn is_due(
        &self,
        tenant: TenantId,
        end: &Sealed,
        every: i64,
        after: TimeDelta,
    ) -> Result<bool, AuditError> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(false) };
        let Some(last) = checkpoints.last(tenant).await? else { return Ok(end.last > 0) };
        let age = self.clock.now() - last.at;
        Ok(end.last - last.seq >= every || (end.last != last.seq && age >= after))
    }

    /// A new signature must not cover up that the log was changed since the last one.
    pub(super) async fn compare(
        &self,
        db: &mut TenantDb,
        last: Option<&Checkpoint>,
    ) -> Result<(), AuditError> {
        let Some(last) = last else { return Ok(()) };
        let mut tx = db.begin().await?;
        let hash: Option<Vec<u8>> = sqlx::query_scalar(
            "select hash from saas_audit_seals where tenant_id = $1 and seq = $2",
        )
        .bind(last.tenant.as_uuid())
        .bind(last.seq)
        .fetch_optional(&mut tx)
        .await?;
        if hash.as_deref() == Some(last.hash.as_bytes()) {
            return Ok(());
        }
        Err(AuditError::Broken(last.seq))
    }
}

/// The database does the work, so that whoever may ask for it cannot say what is sealed.
async fn seal_batch(db: &mut TenantDb) -> Result<(i32, Sealed), AuditError> {
    let mut tx = db.begin().await?;
    let row = sqlx::query("select sealed, last_seq, last_hash, waiting from saas_audit_seal($1)")
        .bind(BATCH)
        .fetch_one(&mut tx)
        .await?;
    let made = row.try_get("sealed")?;
    let hash: Vec<u8> = row.try_get("last_hash")?;
    let sealed = Sealed {
        count: 0,
        last: row.try_get("last_seq")?,
        hash: hash.try_into().map_or(Hash::ZERO, Hash::new),
        is_waiting: row.try_get("waiting")?,
    };
    tx.commit().await?;
    Ok((made, sealed))
}
