use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::aws_lc};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::{
    AccessClaims, KeyAlgorithm, KeyError, KeyState, VerifyingKey,
    compact::{Header, TYPE, encode},
};

/// A private Ed25519 key. It does not print itself.
#[derive(Clone)]
pub struct SigningKey {
    verifying: VerifyingKey,
    pkcs8: SecretSlice<u8>,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let pkcs8 =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// The key in this PKCS #8 document, as [`pkcs8`](Self::pkcs8) gives it.
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] if it is something else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Pkcs8)?;
        let public = pair.public_key().as_ref();
        let verifying = VerifyingKey::ed25519(thumbprint(public), public)?;
        Ok(Self { verifying, pkcs8: pkcs8.to_vec().into() })
    }

    /// Its id: the thumbprint of its public part ([RFC 7638]), so equal keys have equal ids.
    ///
    /// [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The key as PKCS #8, to be stored encrypted.
    #[must_use]
    pub const fn pkcs8(&self) -> &SecretSlice<u8> {
        &self.pkcs8
    }

    /// Its public part, in `state`.
    #[must_use]
    pub fn verifying_key(&self, state: KeyState) -> VerifyingKey {
        self.verifying.clone().in_state(state)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// Makes access tokens with the key that is active. Cheap to clone; all clones have the same key.
#[derive(Debug, Clone)]
pub struct TokenSigner(Arc<ArcSwap<SigningKey>>);

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the access token cannot be signed")]
pub struct SignError(#[source] crate::BoxError);

impl TokenSigner {
    /// Signs with `key`.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(key)))
    }

    /// From now on signs with `key`. Every process should know its public part by then.
    pub fn replace(&self, key: SigningKey) {
        self.0.store(Arc::new(key));
    }

    /// The id of the key in use.
    #[must_use]
    pub fn kid(&self) -> String {
        self.0.load().kid().to_owned()
    }

    /// The token that says `claims`.
    ///
    /// # Errors
    /// [`SignError`] if the key is refused by the signature library.
    pub fn sign(&self, claims: &AccessClaims) -> Result<SecretString, SignError> {
        let key = self.0.load();
        let header = Header {
            typ: TYPE.to_owned(),
            alg: KeyAlgorithm::EdDsa.name().to_owned(),
            kid: key.kid().to_owned(),
        };
        let header = serde_json::to_vec(&header).map_err(SignError::new)?;
        let claims = serde_json::to_vec(claims).map_err(SignError::new)?;
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = signature(&key, message.as_bytes())?;
        Ok(format!("{message}.{}", encode(signature)).into())
    }
}

impl SignError {
    fn new(source: impl Into<crate::BoxError>) -> Self {
        Self(source.into())
    }
}

/// The implementation is named for the reason given at `VerifyingKey::verifies`.
fn signature(key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let encoding = EncodingKey::from_ed_der(key.pkcs8.expose_secret());
    let signer = (aws_lc::DEFAULT_PROVIDER.signer_factory)(&Algorithm::EdDSA, &encoding)
        .map_err(SignError::new)?;
    signer.try_sign(message).map_err(SignError::new)
}

/// RFC 7638, with the members that RFC 8037, section 2 requires.
fn thumbprint(public: &[u8]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(public));
    encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::compact::decode;

    #[test]
    fn the_id_of_a_key_is_its_thumbprint_of_rfc_8037_appendix_a3() {
        let public = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_comes_back_from_its_stored_form_and_does_not_print_itself() {
        let key = SigningKey::generate().unwrap();
        let stored = key.pkcs8().expose_secret().to_vec();
        let again = SigningKey::from_pkcs8(&stored).unwrap();
        assert_eq!(again.kid(), key.kid());
        let text = format!("{key:?} {:?}", TokenSigner::new(again));
        assert!(text.contains(key.kid()));
        assert!(!text.contains(&format!("{:?}", &stored[..8]).replace(['[', ']'], "")));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(SigningKey::from_pkcs8(b"-----BEGIN").unwrap_err(), KeyError::Pkcs8);
    }
}
