//! Secrets at rest: what the crate must read back later is sealed before it goes into a table.
//!
//! 1. A sealed value opens only in the context it was sealed in, so that one cannot be put into
//!    another row or another column.
//! 2. A wrong context, a wrong key and a changed value are one and the same error.
//! 3. The crate seals the private parts of signing keys, the secrets of second factors, and for
//!    identity providers the secrets of clients and what a browser keeps meanwhile; nothing else. What
//!    can be hashed is hashed.
//!
//! [`StaticSeal`] has one key. An application with a key-management service implements [`Seal`] on
//! that.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::seal::{Seal, StaticSeal};
//! use secrecy::{ExposeSecret, SecretBox};
//!
//! let seal = StaticSeal::new(&SecretBox::new(Box::new([7; 32])));
//! let sealed = seal.seal("second_factors/7", b"secret").await?;
//! assert_eq!(seal.open("second_factors/7", &sealed).await?.expose_secret(), b"secret");
//! assert!(seal.open("second_factors/8", &sealed).await.is_err());
//! # Ok(())
//! # }
//! ```

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use saas_core::BoxError;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};

/// Seals what must be read back.
///
/// # Contract
/// `open` gives back what `seal` took, if and only if the context is the same.
#[async_trait]
pub trait Seal: fmt::Debug + Send + Sync + 'static {
    /// Seals `plain` for `context`.
    ///
    /// # Errors
    /// [`SealError::Unavailable`] when the key cannot be had.
    async fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens what was sealed for `context`.
    ///
    /// # Errors
    /// [`SealError::Refused`] when it was not sealed for it, or with another key, or was changed;
    /// [`SealError::Unavailable`] when the key cannot be had.
    async fn open(&self, context: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError>;
}

/// Why something was not sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It does not open here.
    #[error("the sealed value does not open with this key in this place")]
    Refused,
    /// The key cannot be had.
    #[error("the key for sealed values is not available")]
    Unavailable(#[source] BoxError),
}

/// The first byte of what [`StaticSeal`] makes.
const VERSION: u8 = 1;

/// A [`Seal`] with one key that the application was configured with: AES-256-GCM, a random nonce
/// each. Good for the few values that the crate seals; not for the data of tenants.
pub struct StaticSeal(LessSafeKey);

impl StaticSeal {
    /// Seals with `key`.
    ///
    /// # Panics
    /// Never: a key of 256 bits is what the cipher takes.
    #[must_use]
    pub fn new(key: &SecretBox<[u8; 32]>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.expose_secret())
            .expect("a key of 256 bits is what the cipher takes");
        Self(LessSafeKey::new(key))
    }
}

#[async_trait]
impl Seal for StaticSeal {
    async fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(unavailable)?;
        let mut text = plain.to_vec();
        let aad = Aad::from(context.as_bytes());
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce_value, aad, &mut text).map_err(unavailable)?;
        Ok([&[VERSION], &nonce[..], &text].concat())
    }

    async fn open(&self, context: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        let Some((&VERSION, rest)) = sealed.split_first() else { return Err(SealError::Refused) };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Refused)?;
        let aad = Aad::from(context.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = text.to_vec();
        let plain = self.0.open_in_place(nonce, aad, &mut text).map_err(|_| SealError::Refused)?;
        let length = plain.len();
        text.truncate(length);
        Ok(text.into())
    }
}

impl fmt::Debug for StaticSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticSeal(…)")
    }
}

fn unavailable(error: aws_lc_rs::error::Unspecified) -> SealError {
    SealError::Unavailable(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> StaticSeal {
        StaticSeal::new(&SecretBox::new(Box::new([7; 32])))
    }

    #[tokio::test]
    async fn a_sealed_value_opens_in_its_own_context_only() {
        let sealed = seal().seal("keys/a", b"private").await.unwrap();
        assert_eq!(seal().open("keys/a", &sealed).await.unwrap().expose_secret(), b"private");
        for other in ["keys/b", "", "keys/a "] {
            let refused = seal().open(other, &sealed).await;
            assert!(matches!(refused, Err(SealError::Refused)), "{other}");
        }
    }

    #[tokio::test]
    async fn a_value_with_any_bit_changed_is_refused() {
        let sealed = seal().seal("keys/a", b"private").await.unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seal().open("keys/a", &changed).await.is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(seal().open("keys/a", &sealed[..length]).await.is_err(), "{length} bytes");
        }
    }

    #[tokio::test]
    async fn another_key_does_not_open_it() {
        let sealed = seal().seal("keys/a", b"private").await.unwrap();
        let other = StaticSeal::new(&SecretBox::new(Box::new([8; 32])));
        assert!(matches!(other.open("keys/a", &sealed).await, Err(SealError::Refused)));
    }
}
