//! Keys and what they are called.

use std::{fmt, str::FromStr};

use aws_lc_rs::rand;
use saas_core::TenantId;
use secrecy::{ExposeSecret, SecretBox};
use uuid::Uuid;

/// The length of every key, in bytes.
pub const KEY_BYTES: usize = 32;

saas_core::id! {
    /// A data key. Every sealed value carries the id of the one it is sealed under.
    pub struct KeyId;
}

/// Whose keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyOwner {
    /// The application itself: secrets that belong to no tenant.
    System,
    /// A tenant.
    Tenant(TenantId),
}

impl KeyOwner {
    /// How a store calls the owner: a tenant's id, the nil id for the system.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        match self {
            Self::System => Uuid::nil(),
            Self::Tenant(id) => id.as_uuid(),
        }
    }

    /// The owner that a store calls like this.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        if uuid.is_nil() { Self::System } else { Self::Tenant(TenantId::from_uuid(uuid)) }
    }

    /// What the owner's values are sealed for.
    pub(super) const fn sealing(self) -> Purpose {
        match self {
            Self::System => Purpose::System,
            Self::Tenant(_) => Purpose::Fields,
        }
    }
}

/// What a data key is for. A key for one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Seals a tenant's fields. Can be rotated.
    Fields,
    /// Makes a tenant's blind indexes. Stays the same, because what was indexed is compared.
    Index,
    /// Seals secrets that belong to no tenant. Can be rotated.
    System,
}

impl Purpose {
    /// The name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fields => "fields",
            Self::Index => "index",
            Self::System => "system",
        }
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
        match text {
            "fields" => Ok(Self::Fields),
            "index" => Ok(Self::Index),
            "system" => Ok(Self::System),
            _ => Err(UnknownPurpose),
        }
    }
}

/// A text names no [`Purpose`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `fields`, `index` or `system`")]
pub struct UnknownPurpose;

/// The name of a version of the key-encryption key, as whoever holds it calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(String);

impl KekId {
    /// A name of 1 to 200 characters; a longer one is refused by the stores.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key in the clear: 32 bytes that do not print themselves and are wiped when dropped.
pub struct DataKey(SecretBox<[u8; KEY_BYTES]>);

impl DataKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretBox::init_with_mut(|bytes: &mut [u8; KEY_BYTES]| fill(bytes)))
    }

    /// Reads a key; `None` unless it has [`KEY_BYTES`].
    #[must_use]
    pub fn from_slice(key: &[u8]) -> Option<Self> {
        let read = |bytes: &mut [u8; KEY_BYTES]| bytes.copy_from_slice(key);
        (key.len() == KEY_BYTES).then(|| Self(SecretBox::init_with_mut(read)))
    }

    /// The bytes, to be passed to a cipher and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A data key that a key-encryption key has wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The version that wrapped it.
    pub kek: KekId,
    /// The key as it is stored, at most 4,096 bytes.
    pub bytes: Vec<u8>,
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

fn fill(bytes: &mut [u8]) {
    rand::fill(bytes).expect("the operating system gives random bytes");
}
