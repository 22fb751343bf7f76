//! The format of sealed values: `version ‖ key id ‖ salt ‖ nonce ‖ ciphertext ‖ tag`.
//!
//! Each value has a key of its own, which HKDF-SHA-256 derives from the data key and a random salt.
//! So random nonces stay safe however many values one data key seals.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use secrecy::{SecretSlice, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    context::Place,
    error::VaultError,
    key::{DataKey, KeyId, random},
};

/// The longest value that can be sealed, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;

/// How much longer a sealed value is than the value, in bytes.
pub const OVERHEAD: usize = HEADER + TAG;

const VERSION: u8 = 1;
const SALT: usize = 16;
const TAG: usize = 16;
const KEY_ID: usize = 16;
const HEADER: usize = 1 + KEY_ID + SALT + NONCE_LEN;

/// Keeps the derived keys apart from those of other uses of the data key.
const RECORD_KEY: &[u8] = b"saas-vault record 1";

/// A sealed value, as it stands in a column of type `bytea`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The key it says to be sealed under; `None` when it is no sealed value. Not checked.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        Some(Parts::of(&self.0)?.key_id)
    }
}

impl From<Vec<u8>> for Sealed {
    /// Takes what was stored. Whether it is a sealed value, opening it will tell.
    fn from(stored: Vec<u8>) -> Self {
        Self(stored)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What is new with each value. Never used twice.
#[derive(Debug)]
struct Fresh {
    salt: [u8; SALT],
    nonce: [u8; NONCE_LEN],
}

impl Fresh {
    fn random() -> Self {
        Self { salt: random(), nonce: random() }
    }
}

/// Seals `value` under `key` for `place`.
pub(super) fn seal(
    id: KeyId,
    key: &DataKey,
    place: &Place<'_>,
    value: &[u8],
) -> Result<Sealed, VaultError> {
    seal_with(&Fresh::random(), id, key, place, value)
}

fn seal_with(
    fresh: &Fresh,
    id: KeyId,
    key: &DataKey,
    place: &Place<'_>,
    value: &[u8],
) -> Result<Sealed, VaultError> {
    if value.len() > MAX_VALUE {
        return Err(VaultError::TooLarge { length: value.len(), limit: MAX_VALUE });
    }
    // All of it at once: a buffer that grows would leave the value behind in memory.
    let mut bytes = Vec::with_capacity(OVERHEAD + value.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(id.as_uuid().as_bytes());
    bytes.extend_from_slice(&fresh.salt);
    bytes.extend_from_slice(&fresh.nonce);
    bytes.extend_from_slice(value);
    let tag = record_key(key, &fresh.salt)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(fresh.nonce),
            Aad::from(place.associated_data(id)),
            &mut bytes[HEADER..],
        )
        .expect("a value within its limit can be sealed");
    bytes.extend_from_slice(tag.as_ref());
    Ok(Sealed(bytes))
}

/// Opens what was sealed under `key` for `place`.
pub(super) fn open(
    key: &DataKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<SecretSlice<u8>, VaultError> {
    let parts = Parts::of(&sealed.0).ok_or(VaultError::Unreadable)?;
    let mut buffer = Zeroizing::new(parts.ciphertext.to_vec());
    let value = record_key(key, parts.salt)
        .open_in_place(
            Nonce::assume_unique_for_key(parts.nonce),
            Aad::from(place.associated_data(parts.key_id)),
            &mut buffer,
        )
        .map_err(|_| VaultError::Unreadable)?;
    Ok(SecretSlice::from(value.to_vec()))
}

fn record_key(key: &DataKey, salt: &[u8]) -> LessSafeKey {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.expose());
    let derived = secret.expand(&[RECORD_KEY], &AES_256_GCM).expect("one key is within the limit");
    LessSafeKey::new(UnboundKey::from(derived))
}

/// A sealed value, taken apart.
struct Parts<'a> {
    key_id: KeyId,
    salt: &'a [u8; SALT],
    nonce: [u8; NONCE_LEN],
    /// With the tag behind it.
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT>()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>()?;
        let within = (TAG..=TAG + MAX_VALUE).contains(&ciphertext.len());
        let key_id = KeyId::from_uuid(Uuid::from_bytes(*key_id));
        (*version == VERSION && within).then_some(Self { key_id, salt, nonce: *nonce, ciphertext })
    }
}

#[cfg(test)]
mod tests;
