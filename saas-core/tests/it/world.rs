//! A verifier, its keys, and a forge that signs whatever it is given.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeZone, Utc};
use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use saas_core::{
    Clock, Problem, SessionId, TenantId, UserId,
    auth::{AccessClaims, KeySet, KeyState, Reject, SigningKey, StrictVerifier, VerifyingKey},
    clock::Hand,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://club.example";
pub(crate) const AUDIENCE: &str = "https://club.example/api";
pub(crate) const RSA_KID: &str = "rsa-1";

/// What the process would use for JWTs if the code did not name an implementation: this one panics,
/// as that of `jsonwebtoken` does when two of its features are on at once.
static POISON: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("signed with the implementation of the process"),
    verifier_factory: |_, _| panic!("verified with the implementation of the process"),
    key_utils: KeyUtils::new_unimplemented(),
};

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) hand: Hand,
    pub(crate) key: SigningKey,
    pub(crate) keys: KeySet,
    pub(crate) verifier: StrictVerifier,
}

impl World {
    /// Two keys: one of Ed25519, and one of RSA.
    pub(crate) fn new() -> Self {
        // Only the first test of the process installs it.
        POISON.install_default().ok();
        let (clock, hand) = Clock::manual(start());
        let key = SigningKey::generate().unwrap();
        let keys = KeySet::new([key.verifying_key(KeyState::Active), rsa_public()]).unwrap();
        let verifier = StrictVerifier::new(keys.clone(), ISSUER, AUDIENCE, clock.clone());
        Self { clock, hand, key, keys, verifier }
    }

    /// What a token of ours says, as claims that can be tampered with.
    pub(crate) fn claims(&self) -> Value {
        serde_json::to_value(self.typed_claims()).unwrap()
    }

    pub(crate) fn typed_claims(&self) -> AccessClaims {
        let (user, session) = (UserId::generate(&self.clock), SessionId::generate(&self.clock));
        let lifetime = std::time::Duration::from_secs(900);
        AccessClaims::new((ISSUER, AUDIENCE), (user, session), &self.clock, lifetime)
            .for_tenant(TenantId::generate(&self.clock))
            .proved(self.clock.now(), ["pwd", "otp"])
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": self.key.kid()})
    }

    /// A token that passes, with `claim` set to `value` (or removed, if it is `None`).
    pub(crate) fn token_with(&self, claim: &str, value: Option<Value>) -> String {
        let mut claims = self.claims();
        change(&mut claims, claim, value);
        self.sign(&self.header(), &claims)
    }

    /// A token that passes, with `field` of its header set to `value` (or removed).
    pub(crate) fn token_with_header(&self, field: &str, value: Option<Value>) -> String {
        let mut header = self.header();
        change(&mut header, field, value);
        self.sign(&header, &self.claims())
    }

    pub(crate) fn token(&self) -> String {
        self.sign(&self.header(), &self.claims())
    }

    /// Signs with our own Ed25519 key, whatever the header says.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_text(&header.to_string(), &payload.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        let pair = Ed25519KeyPair::from_pkcs8(self.key.pkcs8().expose_secret()).unwrap();
        sealed(header, payload, |message| pair.sign(message).as_ref().to_vec())
    }

    /// The reason for which `token` is refused.
    pub(crate) fn refusal(&self, token: &str) -> Reject {
        self.verifier.verify(token).expect_err(token)
    }

    /// Expects `reason` in the log and R1 for the client, for each `(name, token)`.
    pub(crate) fn refuses_all(&self, reason: &str, cases: &[(&str, String)]) {
        for (name, token) in cases {
            let reject = self.verifier.verify(token).err();
            let reject = reject.unwrap_or_else(|| panic!("`{name}` was accepted"));
            assert_eq!(reject.reason(), reason, "{name}");
            let problem = Problem::from(reject);
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (401, "invalid_token"),
                "{name}"
            );
        }
    }
}

/// Joins header, payload and the signature that `sign` makes of both.
pub(crate) fn sealed(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", base64url(signature))
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).unwrap()
}

/// One for the whole run: making an RSA key takes long.
pub(crate) fn rsa() -> &'static RsaKeyPair {
    static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
    PAIR.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub(crate) fn rsa_signature(message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; rsa().public_modulus_len()];
    rsa().sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

pub(crate) fn rsa_public() -> VerifyingKey {
    let public = rsa().public_key();
    let (n, e) = (public.modulus(), public.exponent());
    let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
    VerifyingKey::rsa(RSA_KID, n, e).unwrap()
}

/// The forms in which a public key lies around, each of which somebody may take for a secret.
pub(crate) fn public_forms(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let pair = Ed25519KeyPair::from_pkcs8(world.key.pkcs8().expose_secret()).unwrap();
    let raw = pair.public_key().as_ref().to_vec();
    let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let rsa_der = rsa().public_key().as_ref().to_vec();
    let jwks = serde_json::to_vec(&world.keys.to_jwks(world.clock.now())).unwrap();
    vec![
        ("ed25519, raw", raw),
        ("ed25519, PEM", pem("PUBLIC KEY", &der)),
        ("ed25519, DER", der),
        ("RSA, PEM", pem("RSA PUBLIC KEY", &rsa_der)),
        ("RSA, DER", rsa_der),
        ("the JWK set", jwks),
        ("nothing", Vec::new()),
    ]
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}

fn change(object: &mut Value, member: &str, value: Option<Value>) {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
}
