use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::{KeyAlgorithm, KeyError, PublicKey, VerifyingKey};
use crate::auth::compact::{decode, encode};

/// The largest document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// The most keys that a document may have.
const MAX_KEYS: usize = 64;

/// A set of public keys as others read it ([RFC 7517], section 5). Serialise it as it is.
///
/// [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517#section-5
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// A public key as others read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kid: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    #[serde(flatten)]
    parameters: Parameters,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kty")]
enum Parameters {
    #[serde(rename = "OKP")]
    Ed25519 { crv: &'static str, x: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

/// What was read from a JWK set of somebody else.
#[derive(Debug, Clone)]
pub struct ParsedJwks {
    /// The keys that tokens may be checked with.
    pub keys: Vec<VerifyingKey>,
    /// The others. Count them: a provider that changes its keys shows here first.
    pub skipped: Vec<SkippedKey>,
}

/// A key that was left out because tokens must not be checked with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkippedKey {
    /// Its members are missing or of a wrong type.
    Malformed,
    /// It has no id by which a token could name it, or one that another key has.
    Unnamed,
    /// It is a secret key (`oct`), or a private one. Neither may be published.
    Private,
    /// It is for encryption, or not for checking signatures.
    Usage,
    /// Its algorithm is not the one we take for its type.
    Algorithm,
    /// Its type or curve is none that we take.
    Unsupported,
    /// It is an RSA key of less than 2048 bits, or no key at all.
    Weak,
}

impl SkippedKey {
    /// A short name for logs and the label of a counter.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unnamed => "unnamed",
            Self::Private => "private",
            Self::Usage => "usage",
            Self::Algorithm => "algorithm",
            Self::Unsupported => "unsupported",
            Self::Weak => "weak",
        }
    }
}

impl Jwks {
    pub(super) fn of<'a>(keys: impl IntoIterator<Item = &'a VerifyingKey>) -> Self {
        Self { keys: keys.into_iter().map(Jwk::of).collect() }
    }

    /// Reads the document of somebody else. A key that is no good is skipped, not an error: the
    /// others of a provider must go on working.
    ///
    /// # Errors
    /// [`KeyError::Jwks`] if it is no JSON object with `keys`, or beyond 64 KiB or 64 keys.
    pub fn parse(document: &[u8]) -> Result<ParsedJwks, KeyError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(KeyError::Jwks);
        }
        let Document { keys } = serde_json::from_slice(document).map_err(|_| KeyError::Jwks)?;
        if keys.len() > MAX_KEYS {
            return Err(KeyError::Jwks);
        }
        Ok(keys.into_iter().map(read).fold(ParsedJwks::empty(), ParsedJwks::with))
    }
}

impl ParsedJwks {
    const fn empty() -> Self {
        Self { keys: Vec::new(), skipped: Vec::new() }
    }

    fn with(mut self, key: Result<VerifyingKey, SkippedKey>) -> Self {
        match key {
            Ok(key) if self.keys.iter().any(|other| other.kid() == key.kid()) => {
                self.skipped.push(SkippedKey::Unnamed);
            }
            Ok(key) => self.keys.push(key),
            Err(skipped) => self.skipped.push(skipped),
        }
        self
    }
}

impl Jwk {
    fn of(key: &VerifyingKey) -> Self {
        let parameters = match &key.public {
            PublicKey::Ed25519(x) => Parameters::Ed25519 { crv: "Ed25519", x: encode(x) },
            PublicKey::Rsa { n, e } => Parameters::Rsa { n: encode(n), e: encode(e) },
        };
        let alg = key.algorithm().name();
        Self { kid: key.kid().to_owned(), usage: "sig", alg, parameters }
    }
}

/// The members of a JWK that decide whether and how it may be used.
#[derive(Deserialize)]
struct Raw {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// The private part of RSA, EC and OKP keys.
    d: Option<Value>,
}

fn read(key: Value) -> Result<VerifyingKey, SkippedKey> {
    let raw: Raw = serde_json::from_value(key).map_err(|_| SkippedKey::Malformed)?;
    if raw.kty == "oct" || raw.d.is_some() {
        return Err(SkippedKey::Private);
    }
    let kid = raw.kid.as_deref().ok_or(SkippedKey::Unnamed)?;
    let for_signatures = raw.usage.as_deref().is_none_or(|usage| usage == "sig")
        && raw.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !for_signatures {
        return Err(SkippedKey::Usage);
    }
    let takes = |algorithm: KeyAlgorithm| match raw.alg.as_deref() {
        Some(alg) if alg != algorithm.name() => Err(SkippedKey::Algorithm),
        _ => Ok(()),
    };
    let bytes =
        |member: &Option<String>| member.as_deref().and_then(decode).ok_or(SkippedKey::Malformed);
    let key = match (raw.kty.as_str(), raw.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => {
            takes(KeyAlgorithm::EdDsa)?;
            VerifyingKey::ed25519(kid, &bytes(&raw.x)?)
        }
        ("RSA", _) => {
            takes(KeyAlgorithm::Rs256)?;
            VerifyingKey::rsa(kid, &bytes(&raw.n)?, &bytes(&raw.e)?)
        }
        _ => return Err(SkippedKey::Unsupported),
    };
    key.map_err(|error| match error {
        KeyError::Kid => SkippedKey::Unnamed,
        _ => SkippedKey::Weak,
    })
}
