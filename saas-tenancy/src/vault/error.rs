use saas_core::{BoxError, Problem};

use super::key::KekId;
use crate::error::TenancyError;

/// Why a value could not be sealed or opened, or a key not be managed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The value was changed, was sealed for another place, or under a key that does not exist.
    /// Which of these it is, is not told, on purpose.
    #[error("the sealed value cannot be opened here")]
    Unreadable,
    /// The tenant's keys were destroyed. Nothing brings its sealed values back.
    #[error("the keys of this workspace were destroyed")]
    Destroyed,
    /// The value is longer than a sealed value may be.
    #[error("the value has {length} bytes; at most {limit} can be sealed")]
    TooLarge {
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// The nil id belongs to the system, whose keys cannot be destroyed.
    #[error("the nil id is no tenant; the keys of the system cannot be destroyed")]
    NotATenant,
    /// The key-encryption key that wraps a data key is not at hand.
    #[error("the key-encryption key `{0}` is missing; restore it from its backup")]
    KekMissing(KekId),
    /// The key-encryption keys cannot be used.
    #[error("the key-encryption keys cannot be used")]
    KeyEncryption(#[source] BoxError),
    /// The keys, or the rows of a re-encryption, cannot be read or written.
    #[error("the tenant's data cannot be reached")]
    Tenancy(#[from] TenancyError),
}

impl VaultError {
    /// Keeps a failure of the key encryption.
    pub fn key_encryption(source: impl Into<BoxError>) -> Self {
        Self::KeyEncryption(source.into())
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        use http::StatusCode as S;
        let (status, code) = match error {
            VaultError::Destroyed => (S::GONE, "keys_destroyed"),
            VaultError::TooLarge { .. } => (S::UNPROCESSABLE_ENTITY, "value_too_large"),
            VaultError::Tenancy(error) => return error.into(),
            VaultError::KekMissing(_) | VaultError::KeyEncryption(_) => {
                return Self::new(S::SERVICE_UNAVAILABLE, "keys_unavailable").with_source(error);
            }
            error => return Self::internal(error),
        };
        Self::new(status, code).with_detail(error.to_string())
    }
}
