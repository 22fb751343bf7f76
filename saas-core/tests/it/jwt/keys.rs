//! Keys of ours and of others: RFC 7517, and RFC 8725, section 3.5.

use std::time::Duration;

use saas_core::auth::{
    AccessClaims, Jwks, KeyError, KeySet, KeyState, SigningKey, SkippedKey, StrictVerifier,
    TokenCache, TokenSigner, VerifyingKey,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{AUDIENCE, ISSUER, RSA_KID, World, base64url};

/// The two keys of the world, as others read them.
fn published(world: &World) -> (Value, Value) {
    let document = serde_json::to_value(world.keys.to_jwks(world.clock.now())).unwrap();
    let keys = document["keys"].as_array().unwrap().clone();
    let of_type = |kty: &str| keys.iter().find(|key| key["kty"] == kty).unwrap().clone();
    (of_type("OKP"), of_type("RSA"))
}

fn with(key: &Value, member: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[member] = value;
    key
}

fn without(key: &Value, member: &str) -> Value {
    let mut key = key.clone();
    key.as_object_mut().unwrap().remove(member);
    key
}

fn skipped(key: &Value) -> Vec<SkippedKey> {
    let parsed = Jwks::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
    assert_eq!(parsed.keys.len() + parsed.skipped.len(), 1);
    parsed.skipped
}

#[test]
fn j27_keys_that_must_not_check_tokens_are_skipped_and_counted() {
    let world = World::new();
    let (ed, rsa) = published(&world);
    let short = [0xff; 128];
    let mut almost = [0xff; 256];
    almost[0] = 0x7f;
    let cases = [
        (json!({"kty": "oct", "kid": "s", "k": base64url([1_u8; 64])}), SkippedKey::Private),
        (with(&ed, "d", json!(base64url([1_u8; 32]))), SkippedKey::Private),
        (with(&rsa, "d", json!("AQAB")), SkippedKey::Private),
        (with(&rsa, "use", json!("enc")), SkippedKey::Usage),
        (with(&ed, "key_ops", json!(["sign"])), SkippedKey::Usage),
        (with(&rsa, "n", json!(base64url(short))), SkippedKey::Weak),
        (with(&rsa, "n", json!(base64url(almost))), SkippedKey::Weak),
        (with(&rsa, "n", json!(base64url(vec![0xff; 1025]))), SkippedKey::Weak),
        (with(&ed, "x", json!(base64url([1_u8; 31]))), SkippedKey::Weak),
        (with(&rsa, "alg", json!("RS512")), SkippedKey::Algorithm),
        (with(&rsa, "alg", json!("HS256")), SkippedKey::Algorithm),
        (with(&rsa, "alg", json!("RSA-OAEP")), SkippedKey::Algorithm),
        (with(&ed, "alg", json!("ES256")), SkippedKey::Algorithm),
        (with(&ed, "crv", json!("X25519")), SkippedKey::Unsupported),
        (with(&ed, "kty", json!("EC")), SkippedKey::Unsupported),
        (without(&rsa, "kid"), SkippedKey::Unnamed),
        (with(&rsa, "kid", json!("")), SkippedKey::Unnamed),
        (with(&rsa, "kid", json!("k".repeat(129))), SkippedKey::Unnamed),
        (without(&rsa, "e"), SkippedKey::Malformed),
        (with(&rsa, "n", json!("not base64url!")), SkippedKey::Malformed),
        (without(&ed, "x"), SkippedKey::Malformed),
        (json!("a text"), SkippedKey::Malformed),
    ];
    for (key, reason) in &cases {
        assert_eq!(skipped(key), [*reason], "{key}");
    }
    let all: Vec<Value> = cases.into_iter().map(|(key, _)| key).chain([ed, rsa]).collect();
    let count = all.len();
    let parsed = Jwks::parse(json!({"keys": all}).to_string().as_bytes()).unwrap();
    let kids: Vec<&str> = parsed.keys.iter().map(VerifyingKey::kid).collect();
    assert_eq!((kids.len(), parsed.skipped.len()), (2, count - 2));
    assert!(kids.contains(&world.key.kid()) && kids.contains(&RSA_KID));
}

#[test]
fn j27_the_second_key_of_a_name_is_skipped() {
    let (ed, rsa) = published(&World::new());
    let twice = json!({"keys": [ed, with(&rsa, "kid", ed["kid"].clone())]}).to_string();
    let parsed = Jwks::parse(twice.as_bytes()).unwrap();
    assert_eq!((parsed.keys.len(), parsed.skipped), (1, vec![SkippedKey::Unnamed]));
}

#[test]
fn j27_a_document_that_is_no_key_set_or_too_large_is_refused() {
    let (ed, _) = published(&World::new());
    let many = json!({"keys": vec![ed; 65]}).to_string();
    let large = format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(64 * 1024));
    for document in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[", &many, &large] {
        assert_eq!(Jwks::parse(document.as_bytes()).unwrap_err(), KeyError::Jwks);
    }
}

#[test]
fn j27_weak_keys_cannot_be_made_in_code_either() {
    assert_eq!(VerifyingKey::rsa("k", &[0xff; 255], &[1, 0, 1]).unwrap_err(), KeyError::Rsa);
    assert_eq!(VerifyingKey::rsa("k", &[], &[]).unwrap_err(), KeyError::Rsa);
    assert_eq!(VerifyingKey::ed25519("k", &[1; 33]).unwrap_err(), KeyError::Ed25519);
    assert_eq!(VerifyingKey::ed25519("two words", &[1; 32]).unwrap_err(), KeyError::Kid);
}

#[test]
fn a_published_set_has_public_parts_only_and_can_be_read_back() {
    let world = World::new();
    let document = serde_json::to_value(world.keys.to_jwks(world.clock.now())).unwrap();
    for key in document["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{key}");
        }
        assert_eq!(key["use"], "sig");
    }
    let parsed = Jwks::parse(document.to_string().as_bytes()).unwrap();
    assert!(parsed.skipped.is_empty());
    let keys = KeySet::new(parsed.keys).unwrap();
    let reader = StrictVerifier::new(keys, ISSUER, AUDIENCE, world.clock.clone());
    assert!(reader.verify(&world.token()).is_ok());
}

#[test]
fn j39_a_retiring_key_is_good_until_its_end_and_not_after() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let (warm, cold) = (world.token(), world.token());
    assert!(cache.verify(&warm).is_ok());
    let end = world.clock.now() + chrono::TimeDelta::seconds(20);
    let retiring = world.key.verifying_key(KeyState::Retiring).usable_until(end);
    world.keys.replace([retiring]).unwrap();
    assert!(world.verifier.verify(&cold).is_ok() && cache.verify(&warm).is_ok());
    world.hand.advance(Duration::from_millis(19_999));
    assert!(world.verifier.verify(&cold).is_ok() && cache.verify(&warm).is_ok());
    world.hand.advance(Duration::from_millis(1));
    world.refuses_all("retired_key", &[("after the end", cold)]);
    assert_eq!(cache.verify(&warm).unwrap_err().reason(), "retired_key");
    let published = serde_json::to_value(world.keys.to_jwks(world.clock.now())).unwrap();
    assert_eq!(published, json!({"keys": []}));
}

#[test]
fn j39_a_revoked_key_is_refused_at_once_and_published_no_more() {
    let world = World::new();
    let cache = TokenCache::new(world.verifier.clone());
    let token = world.token();
    assert!(cache.verify(&token).is_ok());
    world.keys.replace([world.key.verifying_key(KeyState::Revoked)]).unwrap();
    assert_eq!(cache.verify(&token).unwrap_err().reason(), "retired_key");
    world.keys.replace([]).unwrap();
    assert_eq!(cache.verify(&token).unwrap_err().reason(), "unknown_key");
    world.refuses_all("unknown_key", &[("removed", token)]);
    let published = serde_json::to_value(world.keys.to_jwks(world.clock.now())).unwrap();
    assert_eq!(published, json!({"keys": []}));
}

#[test]
fn keys_are_changed_without_refusing_anybody() {
    let world = World::new();
    let next = SigningKey::generate().unwrap();
    let signer = TokenSigner::new(world.key.clone());
    let token = |signer: &TokenSigner, claims: &AccessClaims| signer.sign(claims).unwrap();
    let first = token(&signer, &world.typed_claims());
    let states = [(KeyState::Active, KeyState::Next), (KeyState::Retiring, KeyState::Active)];
    for (old, new) in states {
        world.keys.replace([world.key.verifying_key(old), next.verifying_key(new)]).unwrap();
        signer.replace(next.clone());
        // Another process may have begun with the new key before this one heard of it.
        let second = token(&signer, &world.typed_claims());
        for token in [&first, &second] {
            assert!(world.verifier.verify(token.expose_secret()).is_ok(), "{old:?}, {new:?}");
        }
    }
    assert_eq!(signer.kid(), next.kid());
}
