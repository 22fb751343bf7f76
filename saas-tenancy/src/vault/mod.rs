//! Secrets of tenants: sealed before they reach a database, under keys that each tenant has for
//! itself.
//!
//! 1. A [`Vault`] seals a value for one [`Field`]: tenant, table, column and row. The value opens
//!    there and nowhere else, so copying it to another row or tenant yields nothing.
//! 2. Values are sealed under *data keys*, which each tenant has for itself. Data keys are wrapped
//!    by a *key-encryption key*, which a [`KeyEncryption`] holds outside of every database. Whoever
//!    has the databases alone, or their backups, can open nothing.
//! 3. Sealed values cannot be compared. A [blind index](Vault::blind_index) beside one lets equal
//!    values of one tenant and column be found, and tells nothing across tenants. Normalise the
//!    value first; the index compares bytes.
//! 4. Both kinds of keys rotate while values are sealed and opened:
//!    [`FileKeyEncryption::rotate`] with [`TenantKeys::rewrap`], and [`TenantKeys::rotate`] with
//!    a `Reencrypt` (feature `postgres`) that brings old values under the new key.
//! 5. [`TenantKeys::destroy`] erases: what was sealed for the tenant is lost for good, on every
//!    process within a second, and in backups as far as they do not hold the wrapped keys too.
//! 6. A value that was changed, moved or made up is [`VaultError::Unreadable`], and nothing tells
//!    which of these it was. [`VaultError::Destroyed`] is told apart.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use saas_core::{Actor, Clock, RequestId, Scope, TenantId};
//! use saas_tenancy::vault::{Column, FileKeyEncryption, MemoryKeyStore, TenantKeys, Vault};
//! use secrecy::ExposeSecret;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("vault-keys");
//!
//! const TAX_ID: Column = Column::new("members", "tax_id");
//!
//! let clock = Clock::system();
//! let kek = Arc::new(FileKeyEncryption::at(path));
//! let keys = TenantKeys::new(Arc::new(MemoryKeyStore::new()), kek, clock.clone());
//! let vault = Vault::new(keys);
//!
//! // A request has its scope from the layer, and a row has an id.
//! # let scope = || Scope::new(TenantId::generate(&clock), Actor::Anonymous, RequestId::generate(&clock));
//! let (acme, globex) = (scope(), scope());
//! let row = clock.uuid();
//!
//! let sealed = vault.seal(&acme, TAX_ID.in_row(row), b"DE 123").await?;
//! let opened = vault.open(&acme, TAX_ID.in_row(row), &sealed).await?;
//! assert_eq!(opened.expose_secret(), b"DE 123");
//! assert!(vault.open(&globex, TAX_ID.in_row(row), &sealed).await.is_err());
//!
//! let index = vault.blind_index(&acme, TAX_ID, b"DE123").await?;
//! assert_eq!(vault.blind_index(&acme, TAX_ID, b"DE123").await?, index);
//! assert_ne!(vault.blind_index(&globex, TAX_ID, b"DE123").await?, index);
//! # Ok(())
//! # }
//! ```
//!
//! # Deployment caveat
//! Copies outlive what they are copies of. A backup of the control plane holds wrapped keys, and
//! the key-encryption key opens them: to erase a tenant from backups too, rotate that key, rewrap,
//! and destroy its older versions once the backups that need them are no longer kept.

mod context;
mod error;
mod kek;
mod key;
mod keys;
#[cfg(feature = "postgres")]
mod reencrypt;
mod sealed;
pub mod store;

use aws_lc_rs::{hkdf, hmac};
use saas_core::Scope;
use secrecy::SecretSlice;

use self::context::Place;

pub use context::{Column, Field};
pub use error::VaultError;
pub use kek::{FileKeyEncryption, KeyEncryption, KeyFileError};
pub use key::{DataKey, KEY_BYTES, KekId, KeyId, KeyOwner, Purpose, UnknownPurpose, WrappedKey};
pub use keys::{KeyInvalidations, TenantKeys};
#[cfg(feature = "postgres")]
pub use reencrypt::{Reencrypt, SealedColumn, SealedRow};
pub use sealed::{MAX_VALUE, OVERHEAD, Sealed};
#[cfg(feature = "postgres")]
pub use store::PostgresKeyStore;
pub use store::{KeyStore, MemoryKeyStore};

/// Seals and opens secrets. See the [module docs](self) for the rules. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    keys: TenantKeys,
}

impl Vault {
    /// A vault with these keys.
    #[must_use]
    pub const fn new(keys: TenantKeys) -> Self {
        Self { keys }
    }

    /// Its keys, to be rotated or destroyed.
    #[must_use]
    pub const fn keys(&self) -> &TenantKeys {
        &self.keys
    }

    /// Seals `value`, at most [`MAX_VALUE`] bytes, for the scope's tenant and `field`.
    ///
    /// # Errors
    /// [`VaultError::Destroyed`] when the tenant's keys are, [`VaultError::TooLarge`] when the value
    /// is, and whatever keeps a key from being read or made.
    pub async fn seal(
        &self,
        scope: &Scope,
        field: Field,
        value: &[u8],
    ) -> Result<Sealed, VaultError> {
        self.seal_at(&Place::Field(scope.tenant(), field), value).await
    }

    /// Opens what was sealed for the scope's tenant and `field`.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] when it was changed or sealed for another place,
    /// [`VaultError::Destroyed`] when the tenant's keys are, and whatever keeps a key from being
    /// read.
    pub async fn open(
        &self,
        scope: &Scope,
        field: Field,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, VaultError> {
        self.open_at(&Place::Field(scope.tenant(), field), sealed).await
    }

    /// Seals a secret of the application itself. `name` is where it is kept, and the only place
    /// where it opens: `jwt/key/3`, `smtp/password`. Give each secret a name of its own.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] when the value is, and whatever keeps a key from being read or made.
    pub async fn seal_system(&self, name: &str, value: &[u8]) -> Result<Sealed, VaultError> {
        self.seal_at(&Place::System(name), value).await
    }

    /// Opens what was sealed as a secret of the application under `name`.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] when it was changed or sealed under another name, and whatever
    /// keeps a key from being read.
    pub async fn open_system(
        &self,
        name: &str,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, VaultError> {
        self.open_at(&Place::System(name), sealed).await
    }

    /// What equal values of the scope's tenant and `column` have in common, to be stored beside the
    /// sealed value and looked up. It stays the same when keys rotate.
    ///
    /// It tells which rows are equal, so it is no good for values of which there are few.
    ///
    /// # Errors
    /// [`VaultError::Destroyed`] when the tenant's keys are, and whatever keeps a key from being
    /// read or made.
    pub async fn blind_index(
        &self,
        scope: &Scope,
        column: Column,
        value: &[u8],
    ) -> Result<BlindIndex, VaultError> {
        let owner = KeyOwner::Tenant(scope.tenant());
        let key = self.keys.active(owner, Purpose::Index).await?.key;
        Ok(BlindIndex::of(&key, &column.index_info(scope.tenant()), value))
    }

    async fn seal_at(&self, place: &Place<'_>, value: &[u8]) -> Result<Sealed, VaultError> {
        let owner = place.owner();
        let keys::OpenKey { id, key } = self.keys.active(owner, owner.sealing()).await?;
        sealed::seal(id, &key, place, value)
    }

    async fn open_at(
        &self,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, VaultError> {
        let owner = place.owner();
        let id = sealed.key_id().ok_or(VaultError::Unreadable)?;
        let key = self.keys.by_id(owner, owner.sealing(), id).await?.key;
        sealed::open(&key, place, sealed)
    }
}

/// What equal values of one tenant and column have in common: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlindIndex([u8; 32]);

impl BlindIndex {
    fn of(key: &DataKey, column: &[u8], value: &[u8]) -> Self {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(key.expose());
        let column = [column];
        let derived =
            secret.expand(&column, hmac::HMAC_SHA256).expect("one key is within the limit");
        let tag = hmac::sign(&hmac::Key::from(derived), value);
        Self(tag.as_ref().try_into().expect("a tag of SHA-256 has 32 bytes"))
    }

    /// The bytes, to be stored and compared in a column of type `bytea`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
