//! The keys of a provider.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use saas_core::Clock;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{IdTokenRefused, OidcError, ProviderHttp};

/// Keys are asked for again at most this often, whatever tokens name.
const PAUSE: Duration = Duration::from_secs(30);

/// A key that the provider has taken back is believed for so long at most.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How many keys a provider may have.
const MOST: usize = 64;

/// The algorithms that are taken. There is none without a signature, and none with a shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A public key for one algorithm.
#[derive(Debug, Clone)]
pub(super) struct Key {
    kid: Option<String>,
    public: Public,
}

#[derive(Clone)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.public {
            Public::Rsa { .. } => Algorithm::Rs256,
            Public::P256(_) => Algorithm::Es256,
            Public::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.public {
            Public::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Public::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Public::Ed25519(bytes) => {
                UnparsedPublicKey::new(&ED25519, bytes).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

/// Its kind alone.
impl fmt::Debug for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa { .. } => "Rsa(…)",
            Self::P256(_) => "P256(…)",
            Self::Ed25519(_) => "Ed25519(…)",
        })
    }
}

/// The keys of one provider, asked for when they are needed.
#[derive(Debug)]
pub(super) struct KeyCache {
    url: Url,
    http: ProviderHttp,
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Arc<[Key]>,
    read_at: Option<Duration>,
    asked_at: Option<Duration>,
}

impl KeyCache {
    pub(super) fn new(url: Url, http: ProviderHttp, clock: Clock) -> Self {
        Self { url, http, clock, known: Mutex::default() }
    }

    /// The key that a token names, for the algorithm it names.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Key, OidcError> {
        let mut known = self.known.lock().await;
        let now = self.clock.monotonic();
        let within = |at: Option<Duration>, span| at.is_some_and(|at| now - at < span);
        let is_fresh = within(known.read_at, FRESH);
        if is_fresh && let Some(key) = pick(&known.keys, kid, algorithm) {
            return Ok(key);
        }
        if !within(known.asked_at, PAUSE) {
            // Noted before: a failure counts as well.
            known.asked_at = Some(now);
            known.keys = self.fetch().await?;
            known.read_at = Some(now);
        } else if !is_fresh {
            return Err(OidcError::Unavailable("it did not give its keys a moment ago".into()));
        }
        pick(&known.keys, kid, algorithm).ok_or(IdTokenRefused::UnknownKey.into())
    }

    async fn fetch(&self) -> Result<Arc<[Key]>, OidcError> {
        let refused = OidcError::BadAnswer("there are no keys");
        let set: Jwks = ProviderHttp::ask(self.http.get(&self.url), refused).await?;
        if set.keys.len() > MOST {
            return Err(OidcError::BadAnswer("there are too many keys"));
        }
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }
}

/// The one key that it can be. Two that it could be are none.
fn pick(keys: &[Key], kid: Option<&str>, algorithm: Algorithm) -> Option<Key> {
    let named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
    let mut fitting = keys.iter().filter(|key| key.algorithm() == algorithm).filter(named);
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.clone())
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

/// The members of a JWK that decide whether and how it may be used.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The key of a JWK; `None` for one that is not for signatures that are taken.
pub(super) fn usable(jwk: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Public::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
        ("EC", Some("P-256")) => Public::P256(point(&bytes(&jwk.x)?, &bytes(&jwk.y)?)?),
        ("OKP", Some("Ed25519")) => Public::Ed25519(bytes(&jwk.x)?),
        _ => return None,
    };
    let key = Key { kid: jwk.kid, public };
    let for_signatures = jwk.usage.is_none_or(|usage| usage == "sig");
    let fits = jwk.alg.is_none_or(|alg| Algorithm::named(&alg) == Some(key.algorithm()));
    (for_signatures && fits).then_some(key)
}

fn point(x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    (x.len() == 32 && y.len() == 32).then(|| [&[4], x, y].concat())
}

#[cfg(test)]
mod tests {
    use saas_core::Clock;

    use super::*;
    use crate::oidc::{Reach, canned::Canned};

    const NO_KEYS: &str = r#"{"keys":[]}"#;

    async fn cache(answer: &str) -> (KeyCache, Canned, saas_core::clock::Hand) {
        let canned = Canned::serve(200, answer).await;
        let (clock, hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let http = ProviderHttp::new(Reach::PublicAndLoopback).unwrap();
        let url = http.check(&canned.url("/jwks")).unwrap();
        (KeyCache::new(url, http, clock), canned, hand)
    }

    #[tokio::test]
    async fn a_thousand_unknown_keys_cause_one_fetch_in_half_a_minute() {
        let (cache, canned, hand) = cache(NO_KEYS).await;
        for n in 0..1_000 {
            let found = cache.find(Some(&n.to_string()), Algorithm::Rs256).await;
            assert!(matches!(found, Err(OidcError::IdToken(IdTokenRefused::UnknownKey))));
        }
        assert_eq!(canned.asked(), 1);
        hand.advance(PAUSE);
        assert!(cache.find(Some("x"), Algorithm::Rs256).await.is_err());
        assert!(cache.find(Some("x"), Algorithm::Rs256).await.is_err());
        assert_eq!(canned.asked(), 2);
    }

    #[tokio::test]
    async fn known_keys_are_asked_for_again_after_an_hour() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"a","x":"{x}"}}]}}"#);
        let (cache, canned, hand) = cache(&set).await;
        for (advance, asked) in [(0, 1), (3_599, 1), (1, 2), (31, 2)] {
            hand.advance(Duration::from_secs(advance));
            assert!(cache.find(Some("a"), Algorithm::EdDsa).await.is_ok());
            assert_eq!(canned.asked(), asked);
        }
        // For another algorithm it is another key.
        let found = cache.find(Some("a"), Algorithm::Rs256).await;
        assert!(matches!(found, Err(OidcError::IdToken(IdTokenRefused::UnknownKey))));
    }

    #[tokio::test]
    async fn a_failure_to_get_keys_is_an_outage_and_counts_as_a_fetch() {
        let canned = Canned::serve(500, "").await;
        let (clock, _hand) = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let http = ProviderHttp::new(Reach::PublicAndLoopback).unwrap();
        let url = http.check(&canned.url("/jwks")).unwrap();
        let cache = KeyCache::new(url, http, clock);
        for _ in 0..10 {
            let found = cache.find(Some("a"), Algorithm::EdDsa).await;
            assert!(matches!(found, Err(OidcError::Unavailable(_))), "{found:?}");
        }
        assert_eq!(canned.asked(), 1);
    }

    #[test]
    fn two_keys_that_a_token_could_mean_are_none() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let jwk = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        let key = usable(jwk).unwrap();
        assert!(pick(std::slice::from_ref(&key), None, Algorithm::EdDsa).is_some());
        assert!(pick(&[key.clone(), key], None, Algorithm::EdDsa).is_none());
    }
}
