//! Who holds the key-encryption key.

mod file;

use std::fmt;

use async_trait::async_trait;

use super::{
    error::VaultError,
    key::{DataKey, KekId, WrappedKey},
};

pub use file::{FileKeyEncryption, KeyFileError};

// ANCHOR: contract
/// Wraps data keys under a key-encryption key that never stands in a database.
///
/// Write one for the key service of your cloud; [`FileKeyEncryption`] keeps the keys in a file.
///
/// # Contract
/// 1. There are versions. The newest one wraps; every older one goes on unwrapping until nothing is
///    wrapped by it any more.
/// 2. A wrapped key opens only with the `context` it was wrapped with: it is authenticated, and need
///    not be secret.
///
/// # Errors
/// Every method answers [`VaultError::KeyEncryption`] when the keys cannot be reached or used.
#[async_trait]
pub trait KeyEncryption: fmt::Debug + Send + Sync + 'static {
    /// The version that wraps new keys.
    async fn current(&self) -> Result<KekId, VaultError>;

    /// Wraps `key` under the current version.
    async fn wrap_key(&self, key: &DataKey, context: &[u8]) -> Result<WrappedKey, VaultError>;

    /// Unwraps what some version has wrapped.
    ///
    /// # Errors
    /// [`VaultError::KekMissing`] when that version is not there, [`VaultError::KeyEncryption`]
    /// when the key was changed or wrapped for another context.
    async fn unwrap_key(&self, wrapped: &WrappedKey, context: &[u8])
    -> Result<DataKey, VaultError>;
}
// ANCHOR_END: contract
