//! Signed statements of where a log ended, kept where the database cannot reach them.
//!
//! 1. A [`Checkpoint`] says: at this time, entry number `seq` had this hash. Nobody can rewrite or cut
//!    off what is before it without the key that signed it.
//! 2. The key is a file outside the database, see [`CheckpointKey`].
//! 3. A [`CheckpointStore`] is only ever added to. [`FileCheckpoints`] keeps a file a tenant; whoever
//!    can write that directory and the database can cut both, so ship it elsewhere or hand the
//!    checkpoints to the tenant.
//! 4. What is signed is `saas audit checkpoint v1` and, each behind its length as four bytes: the
//!    tenant (16 bytes), the number (8), the hash (32), the time (8) and the time from which entries
//!    are kept (8, the smallest number if all are); numbers as in
//!    [`Hash::of_entry`](super::Hash::of_entry).
//!
//! ```
//! use saas_tenancy::audit::{CheckpointKey, checkpoint::{Checkpoint, SignedCheckpoint}, Hash};
//! use saas_core::{Clock, TenantId};
//!
//! # fn main() -> Result<(), saas_tenancy::audit::AuditError> {
//! let (clock, key) = (Clock::system(), CheckpointKey::generate()?);
//! let tenant = TenantId::generate(&clock);
//! let end = Checkpoint { tenant, seq: 7, hash: Hash::ZERO, at: clock.now(), kept_from: None };
//! let signed = SignedCheckpoint::new(end, &key);
//! assert!(signed.is_signed_by(&key.public()));
//! # Ok(())
//! # }
//! ```

mod file;
mod memory;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::TenantId;
use serde::{Deserialize, Serialize};

use super::{
    AuditError, Hash,
    canonical::bytes_of,
    key::{CheckpointKey, PublicKey, Signature},
};

pub use file::FileCheckpoints;
pub use memory::MemoryCheckpoints;

/// What every signed message begins with.
const DOMAIN: &[u8] = b"saas audit checkpoint v1";

/// Where a tenant's log ended at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose log.
    pub tenant: TenantId,
    /// The number of the last entry.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
    /// When this was said.
    pub at: DateTime<Utc>,
    /// Entries from before this moment were exported and removed; `None` if all are kept.
    pub kept_from: Option<DateTime<Utc>>,
}

impl Checkpoint {
    fn message(&self) -> Vec<u8> {
        let kept_from = self.kept_from.map_or(i64::MIN, |from| from.timestamp_micros());
        let fields = bytes_of(&[
            self.tenant.as_uuid().as_bytes(),
            &self.seq.to_be_bytes(),
            self.hash.as_bytes(),
            &self.at.timestamp_micros().to_be_bytes(),
            &kept_from.to_be_bytes(),
        ]);
        [DOMAIN, &fields].concat()
    }
}

/// A [`Checkpoint`] with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCheckpoint {
    /// What was signed.
    #[serde(flatten)]
    pub checkpoint: Checkpoint,
    /// The signature, 128 hexadecimal digits.
    pub signature: String,
}

impl SignedCheckpoint {
    /// Signs a checkpoint.
    #[must_use]
    pub fn new(checkpoint: Checkpoint, key: &CheckpointKey) -> Self {
        let signature = key.sign(&checkpoint.message()).to_hex();
        Self { checkpoint, signature }
    }

    /// Whether it is what the owner of `key` signed.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        Signature::from_hex(&self.signature)
            .is_some_and(|signature| key.verifies(&self.checkpoint.message(), &signature))
    }
}

/// Where checkpoints are kept. They are only ever added.
///
/// # Contract
/// 1. What [`append`](Self::append) has returned for is kept for good.
/// 2. [`all`](Self::all) gives a tenant's checkpoints in the order in which they were added, and no
///    other tenant's.
#[async_trait]
pub trait CheckpointStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a checkpoint.
    ///
    /// # Errors
    /// [`AuditError::Io`] when it cannot be kept.
    async fn append(&self, checkpoint: &SignedCheckpoint) -> Result<(), AuditError>;

    /// The checkpoints of a tenant, oldest first.
    ///
    /// # Errors
    /// [`AuditError::Io`] when they cannot be read.
    async fn all(&self, tenant: TenantId) -> Result<Vec<SignedCheckpoint>, AuditError>;
}

/// The key, the store, and the last checkpoint of each tenant.
#[derive(Debug)]
pub(super) struct Checkpoints {
    key: CheckpointKey,
    store: Arc<dyn CheckpointStore>,
    last: Mutex<HashMap<TenantId, Checkpoint>>,
}

impl Checkpoints {
    pub(super) fn new(key: CheckpointKey, store: Arc<dyn CheckpointStore>) -> Self {
        Self { key, store, last: Mutex::default() }
    }

    pub(super) const fn public(&self) -> PublicKey {
        self.key.public()
    }

    pub(super) async fn all(&self, tenant: TenantId) -> Result<Vec<SignedCheckpoint>, AuditError> {
        self.store.all(tenant).await
    }

    /// The last checkpoint of a tenant, from memory once it was read.
    pub(super) async fn last(&self, tenant: TenantId) -> Result<Option<Checkpoint>, AuditError> {
        let known = self.lock().get(&tenant).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let last = self.all(tenant).await?.pop().map(|signed| signed.checkpoint);
        if let Some(last) = &last {
            self.lock().insert(tenant, last.clone());
        }
        Ok(last)
    }

    pub(super) async fn sign(&self, checkpoint: Checkpoint) -> Result<(), AuditError> {
        let signed = SignedCheckpoint::new(checkpoint, &self.key);
        self.store.append(&signed).await?;
        self.lock().insert(signed.checkpoint.tenant, signed.checkpoint);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Checkpoint>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use saas_core::Clock;

    fn checkpoint(seq: i64) -> Checkpoint {
        let at = Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap();
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
        Checkpoint { tenant, seq, hash: Hash::new([7; 32]), at, kept_from: None }
    }

    #[test]
    fn every_field_is_signed() {
        let key = CheckpointKey::generate().unwrap();
        let signed = SignedCheckpoint::new(checkpoint(1), &key);
        assert!(signed.is_signed_by(&key.public()));
        let one = signed.checkpoint.clone();
        let others = [
            Checkpoint { tenant: TenantId::generate(&Clock::system()), ..one.clone() },
            Checkpoint { seq: 2, ..one.clone() },
            Checkpoint { hash: Hash::ZERO, ..one.clone() },
            Checkpoint { at: one.at + chrono::TimeDelta::seconds(1), ..one.clone() },
            Checkpoint { kept_from: Some(one.at), ..one },
        ];
        for checkpoint in others {
            let forged = SignedCheckpoint { checkpoint, ..signed.clone() };
            assert!(!forged.is_signed_by(&key.public()), "{forged:?}");
        }
        let unsigned = SignedCheckpoint { signature: "00".repeat(64), ..signed };
        assert!(!unsigned.is_signed_by(&key.public()));
    }

    #[tokio::test]
    async fn every_store_keeps_checkpoints_in_order_and_apart() {
        let dir = tempfile::tempdir().unwrap();
        let key = CheckpointKey::generate().unwrap();
        let stores: [Arc<dyn CheckpointStore>; 2] = [
            Arc::new(MemoryCheckpoints::new()),
            Arc::new(FileCheckpoints::new(dir.path().join("checkpoints"))),
        ];
        for store in stores {
            let first = SignedCheckpoint::new(checkpoint(1), &key);
            let second = SignedCheckpoint::new(checkpoint(2), &key);
            let tenant = first.checkpoint.tenant;
            assert_eq!(store.all(tenant).await.unwrap(), []);
            store.append(&first).await.unwrap();
            store.append(&second).await.unwrap();
            assert_eq!(store.all(tenant).await.unwrap(), [first, second]);
            let other = TenantId::from_uuid(uuid::Uuid::from_u128(2));
            assert_eq!(store.all(other).await.unwrap(), []);
        }
    }
}
