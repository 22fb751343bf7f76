//! Where wrapped keys are kept.

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;

use std::fmt;

use async_trait::async_trait;
use saas_core::TenantId;
use uuid::Uuid;

use super::{
    error::VaultError,
    key::{KekId, KeyId, KeyOwner, Purpose, WrappedKey},
};

pub use memory::MemoryKeyStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresKeyStore;

// ANCHOR: contract
/// Where wrapped keys are kept.
///
/// # Contract
/// 1. Of one owner and purpose at most one key is active.
/// 2. [`destroy`](Self::destroy) is for ever: from then on the owner's ring is
///    [`Keyring::Destroyed`], and nothing can be added to it, not by a call that is under way
///    either.
/// 3. Every change is seen by the next read of the same store.
///
/// # Errors
/// Every method may answer [`VaultError::Tenancy`] when the backend cannot be reached.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// All keys of an owner. Whoever never had one has an empty ring.
    async fn keyring(&self, owner: KeyOwner) -> Result<Keyring, VaultError>;

    /// Adds a key as the active one of its purpose in the place of `replaces`, which stays in the
    /// ring. [`Change::Lost`] when the active key is another one by now.
    ///
    /// # Errors
    /// [`VaultError::Destroyed`] when the ring is destroyed.
    async fn add(
        &self,
        owner: KeyOwner,
        key: NewKey,
        replaces: Option<KeyId>,
    ) -> Result<Change, VaultError>;

    /// Keys that another version than `current` wraps, ordered by owner and id, from the one behind
    /// `after`. At most [`PAGE`].
    async fn wrapped_otherwise(
        &self,
        current: &KekId,
        after: Option<(KeyOwner, KeyId)>,
    ) -> Result<Vec<(KeyOwner, StoredKey)>, VaultError>;

    /// Replaces the wrapping of keys, of each only if it is still the one that is expected. Says
    /// how many were replaced.
    async fn rewrap(&self, keys: &[Rewrapped]) -> Result<u64, VaultError>;

    /// Removes all keys of a tenant, for ever. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`VaultError::NotATenant`] for the nil id, which is the system's.
    async fn destroy(&self, tenant: TenantId) -> Result<(), VaultError>;

    /// How far the tenant's `job` of re-encryption has come.
    async fn progress(&self, tenant: TenantId, job: &str) -> Result<Option<Progress>, VaultError>;

    /// Notes how far the tenant's `job` has come.
    async fn save_progress(
        &self,
        tenant: TenantId,
        job: &str,
        progress: Progress,
    ) -> Result<(), VaultError>;
}
// ANCHOR_END: contract

/// The most keys that one [`KeyStore::wrapped_otherwise`] answers.
pub const PAGE: usize = 100;

/// All keys of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyring {
    /// They were destroyed.
    Destroyed,
    /// Those that are there.
    Keys(Vec<StoredKey>),
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// What it is called.
    pub id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it seals.
    pub state: KeyState,
    /// The key.
    pub wrapped: WrappedKey,
}

/// Whether a key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It seals and opens.
    Active,
    /// It opens what it has sealed.
    Retired,
}

/// A key to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is called.
    pub id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// The key.
    pub wrapped: WrappedKey,
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It was.
    Made,
    /// Somebody else was first.
    Lost,
}

/// A key under a newer version of the key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrapped {
    /// Whose key.
    pub owner: KeyOwner,
    /// Which.
    pub id: KeyId,
    /// The version that is expected to wrap it.
    pub from: KekId,
    /// What takes its place.
    pub to: WrappedKey,
}

/// How far a re-encryption has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The key that all values shall be under.
    pub key: KeyId,
    /// The last row that is done.
    pub reached: Option<Uuid>,
    /// What is left.
    pub state: ProgressState,
}

/// What is left of a re-encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressState {
    /// Rows behind the one that was reached.
    Running,
    /// Nothing.
    Finished,
}
