//! Brings old values under the key that seals now.

use std::fmt;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{
    Vault,
    context::Column,
    error::VaultError,
    key::{KeyId, KeyOwner, Purpose},
    sealed::Sealed,
    store::{Progress, ProgressState},
};
use crate::{
    db::{TenantDb, TenantTx},
    error::TenancyError,
};

/// The most rows that are read at once.
const MAX_BATCH: u32 = 1_000;

// ANCHOR: contract
/// A column of sealed values, as a [`Reencrypt`] reads and writes it.
///
/// # Contract
/// 1. [`read`](Self::read) answers rows in the order of their ids and leaves none out that has a
///    value.
/// 2. Nobody may change a row between its read and its write: read `for update`, or let
///    [`write`](Self::write) change the row only where it still holds `old`.
#[async_trait]
pub trait SealedColumn: fmt::Debug + Send + Sync {
    /// The column that the values were sealed for.
    fn column(&self) -> Column;

    /// The next rows behind `after`, at most `limit`.
    async fn read(
        &self,
        tx: &mut TenantTx<'_>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<SealedRow>, TenancyError>;

    /// Puts `new` in the place of `old`. A row that is gone or holds something else is no error.
    async fn write(
        &self,
        tx: &mut TenantTx<'_>,
        row: Uuid,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<(), TenancyError>;
}
// ANCHOR_END: contract

/// A row with a sealed value.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The row's id, as in the [`Field`](super::Field) of its value.
    pub id: Uuid,
    /// The value.
    pub sealed: Sealed,
}

/// Seals old values of a column again, under the key that is active now.
///
/// It works in batches, one transaction each, and notes how far it has come. Stopped at any point
/// it goes on from there; begun again under the same key it does nothing. While it runs, values are
/// read and written as ever. A process that has not heard of a rotation yet may seal under the old
/// key for another second; such a value stays readable, and is caught by the next rotation's run.
#[derive(Debug, Clone)]
pub struct Reencrypt {
    vault: Vault,
    batch: u32,
}

impl Reencrypt {
    /// Re-encryption with the keys of `vault`, 200 rows at once.
    #[must_use]
    pub const fn new(vault: Vault) -> Self {
        Self { vault, batch: 200 }
    }

    /// Reads so many rows at once: 1 to 1,000.
    #[must_use]
    pub fn with_batch(self, rows: u32) -> Self {
        Self { batch: rows.clamp(1, MAX_BATCH), ..self }
    }

    /// Works on the column until it is done, and says how many values were sealed again.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] at a value that does not open, which stays as it is and ends the
    /// work; [`VaultError::Tenancy`] when the database fails. What was done until then stays.
    pub async fn run(
        &self,
        db: &mut TenantDb,
        column: &dyn SealedColumn,
    ) -> Result<u64, VaultError> {
        let mut all = 0;
        loop {
            let (state, sealed) = self.step(db, column).await?;
            all += sealed;
            if state == ProgressState::Finished {
                return Ok(all);
            }
        }
    }

    /// Works on the next batch, and says whether it was the last one and how many values were
    /// sealed again.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn step(
        &self,
        db: &mut TenantDb,
        column: &dyn SealedColumn,
    ) -> Result<(ProgressState, u64), VaultError> {
        let (tenant, job) = (db.scope().tenant(), column.column().job());
        let keys = self.vault.keys();
        let key = keys.active(KeyOwner::Tenant(tenant), Purpose::Fields).await?.id;
        let begun = keys.store().progress(tenant, &job).await?.filter(|begun| begun.key == key);
        let begun = begun.unwrap_or(Progress { key, reached: None, state: ProgressState::Running });
        if begun.state == ProgressState::Finished {
            return Ok((begun.state, 0));
        }
        let Batch { reached, state, sealed } = self.batch(db, column, begun).await?;
        // After the commit: a crash in between makes a batch be looked at again, which is harmless.
        keys.store().save_progress(tenant, &job, Progress { key, reached, state }).await?;
        Ok((state, sealed))
    }

    async fn batch(
        &self,
        db: &mut TenantDb,
        column: &dyn SealedColumn,
        begun: Progress,
    ) -> Result<Batch, VaultError> {
        let mut tx = db.begin().await?;
        let rows = column.read(&mut tx, begun.reached, self.batch).await?;
        let mut sealed = 0;
        for row in &rows {
            if let Some(new) = self.again(&tx, column.column(), begun.key, row).await? {
                column.write(&mut tx, row.id, &row.sealed, &new).await?;
                sealed += 1;
            }
        }
        tx.commit().await?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count >= self.batch);
        let state = if full { ProgressState::Running } else { ProgressState::Finished };
        let reached = rows.last().map(|row| row.id).or(begun.reached);
        Ok(Batch { reached, state, sealed })
    }

    /// The row's value under the key, unless it is under it already.
    async fn again(
        &self,
        tx: &TenantTx<'_>,
        column: Column,
        key: KeyId,
        row: &SealedRow,
    ) -> Result<Option<Sealed>, VaultError> {
        if row.sealed.key_id() == Some(key) {
            return Ok(None);
        }
        let field = column.in_row(row.id);
        let value = self.vault.open(tx.scope(), field, &row.sealed).await?;
        self.vault.seal(tx.scope(), field, value.expose_secret()).await.map(Some)
    }
}

/// What came of a batch.
struct Batch {
    reached: Option<Uuid>,
    state: ProgressState,
    sealed: u64,
}
