use std::fmt;

use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, crypto::aws_lc};
use serde::{Deserialize, Serialize};

/// How long the modulus of an RSA key may be, in bytes: 2048 to 8192 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The longest id of a key, in bytes.
const MAX_KID_BYTES: usize = 128;

/// The one algorithm that a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519, what we sign with.
    EdDsa,
    /// RSA PKCS #1 v1.5 with SHA-256, for keys that exist already.
    Rs256,
}

impl KeyAlgorithm {
    /// Its name in a token ([RFC 7518], [RFC 8037]).
    ///
    /// [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
    /// [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037#section-3.1
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    pub(super) const fn of_jose(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, so that everybody has it before it signs. Its tokens are accepted: another
    /// process may have begun to sign with it already.
    Next,
    /// Signs.
    Active,
    /// Signs no more. Its tokens are accepted until its end.
    Retiring,
    /// Known to be in wrong hands. Nothing of it is accepted, and it is published no more.
    Revoked,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id is empty, too long or not visible ASCII.
    #[error("the id of a key is 1 to {MAX_KID_BYTES} visible ASCII characters")]
    Kid,
    /// Two keys of a set have one id.
    #[error("two keys have the id `{0}`; give each its own")]
    Duplicate(String),
    /// The bytes are no point of the curve.
    #[error("this is not a public key of Ed25519")]
    Ed25519,
    /// The modulus is shorter than 2048 or longer than 8192 bits, or the exponent is no good.
    #[error("this is not an RSA public key of 2048 to 8192 bits")]
    Rsa,
    /// The private key cannot be read.
    #[error("this is not an Ed25519 key in PKCS #8")]
    Pkcs8,
    /// No random key could be made.
    #[error("the operating system gave no random bytes for a key")]
    Random,
    /// The document is no JWK set, or too large.
    #[error("this is not a JWK set of at most 64 KiB and 64 keys")]
    Jwks,
}

/// A public key, its one algorithm, and when it may be used.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: String,
    state: KeyState,
    usable_from: Option<DateTime<Utc>>,
    usable_until: Option<DateTime<Utc>>,
    pub(super) public: PublicKey,
    decoding: DecodingKey,
}

#[derive(Clone)]
pub(super) enum PublicKey {
    Ed25519(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl VerifyingKey {
    /// The Ed25519 key with these 32 bytes, active, without an end.
    ///
    /// # Errors
    /// [`KeyError::Kid`] or [`KeyError::Ed25519`].
    pub fn ed25519(kid: impl Into<String>, public: &[u8]) -> Result<Self, KeyError> {
        ParsedPublicKey::new(&ED25519, public).map_err(|_| KeyError::Ed25519)?;
        let decoding = DecodingKey::from_ed_der(public);
        Self::new(kid.into(), PublicKey::Ed25519(public.to_vec()), decoding)
    }

    /// The RSA key with this modulus and exponent, both big-endian, active, without an end.
    ///
    /// # Errors
    /// [`KeyError::Kid`], or [`KeyError::Rsa`] below 2048 and above 8192 bits.
    pub fn rsa(kid: impl Into<String>, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let high_bit = n.first().is_some_and(|first| *first >= 0x80);
        if !RSA_MODULUS_BYTES.contains(&n.len()) || !high_bit {
            return Err(KeyError::Rsa);
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| KeyError::Rsa)?;
        let decoding = DecodingKey::from_rsa_raw_components(n, e);
        Self::new(kid.into(), PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() }, decoding)
    }

    fn new(kid: String, public: PublicKey, decoding: DecodingKey) -> Result<Self, KeyError> {
        let fits = (1..=MAX_KID_BYTES).contains(&kid.len());
        if !fits || !kid.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Kid);
        }
        let state = KeyState::Active;
        Ok(Self { kid, state, usable_from: None, usable_until: None, public, decoding })
    }

    /// The same key in another `state`.
    #[must_use]
    pub fn in_state(self, state: KeyState) -> Self {
        Self { state, ..self }
    }

    /// The same key, made at `moment`: no token of it can be older.
    #[must_use]
    pub fn usable_from(self, moment: DateTime<Utc>) -> Self {
        Self { usable_from: Some(moment), ..self }
    }

    /// The same key, of which nothing is accepted from `moment` on.
    #[must_use]
    pub fn usable_until(self, moment: DateTime<Utc>) -> Self {
        Self { usable_until: Some(moment), ..self }
    }

    /// Its id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlgorithm {
        match self.public {
            PublicKey::Ed25519(_) => KeyAlgorithm::EdDsa,
            PublicKey::Rsa { .. } => KeyAlgorithm::Rs256,
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// Since when it exists, if that is known.
    #[must_use]
    pub const fn not_before(&self) -> Option<DateTime<Utc>> {
        self.usable_from
    }

    /// From when on nothing of it is accepted, if there is an end.
    #[must_use]
    pub const fn not_after(&self) -> Option<DateTime<Utc>> {
        self.usable_until
    }

    /// Whether tokens of it are accepted at `now`.
    #[must_use]
    pub fn is_usable_at(&self, now: DateTime<Utc>) -> bool {
        self.state != KeyState::Revoked && self.usable_until.is_none_or(|end| now < end)
    }

    /// Whether `signature` is one of this key for `message`.
    ///
    /// The implementation is named here. The one that `jsonwebtoken` would choose by itself depends
    /// on the features that other crates of an application switch on, and panics for some of them.
    pub(in crate::auth) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        let algorithm = self.algorithm().of_jose();
        (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, &self.decoding)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .field("state", &self.state)
            .field("not_before", &self.usable_from)
            .field("not_after", &self.usable_until)
            .finish()
    }
}
