use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use chrono::TimeZone;
use serde_json::json;

use super::*;
use crate::oidc::keys::usable;

const CLIENT: &str = "club";
const NOW: i64 = 1_800_000_000;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn key() -> Key {
    let x = encode(pair().public_key());
    usable(json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a" })).unwrap()
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://id.test",
        client_id: CLIENT,
        nonce: "n",
        access_token: Some("token"),
        now: Utc.timestamp_opt(NOW, 0).unwrap(),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://id.test", "sub": "ann", "aud": CLIENT, "exp": NOW + 60, "iat": NOW,
        "nonce": "n", "email": "ann@acme.test", "email_verified": true, "name": "Ann",
    })
}

fn changed(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

fn sign(header: &Value, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(payload));
    let signature = encode(pair().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn verify(token: &str) -> Result<Identity, IdTokenRefused> {
    let all = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    IdToken::read(token, &all)?.verify(&key(), &expected())
}

fn says(claims: &Value) -> Result<Identity, IdTokenRefused> {
    verify(&sign(&json!({ "alg": "EdDSA", "kid": "a" }), &claims.to_string()))
}

fn header(header: &Value) -> IdTokenRefused {
    verify(&sign(header, &claims().to_string())).unwrap_err()
}

#[test]
fn a_token_as_it_should_be_says_who_it_is() {
    let ann = says(&claims()).unwrap();
    assert_eq!((ann.issuer.as_str(), ann.subject.as_str()), ("https://id.test", "ann"));
    assert_eq!(ann.email.as_deref(), Some("ann@acme.test"));
    assert_eq!((ann.email_verified, ann.name.as_deref()), (true, Some("Ann")));
}

#[test]
fn a_token_without_a_signature_or_with_a_shared_secret_is_refused() {
    for alg in ["none", "None", "nOnE", "HS256", "HS512", "RS1", "PS256", "ES384", ""] {
        assert_eq!(header(&json!({ "alg": alg, "kid": "a" })), IdTokenRefused::Algorithm, "{alg}");
    }
    // Keyed with the public key, which everybody has.
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode(claims().to_string()));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, pair().public_key().as_ref());
    let tag = encode(hmac::sign(&secret, signed.as_bytes()));
    assert_eq!(verify(&format!("{signed}.{tag}")), Err(IdTokenRefused::Algorithm));
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims().to_string()));
    assert_eq!(verify(&unsigned), Err(IdTokenRefused::Algorithm));
}

#[test]
fn an_algorithm_that_is_not_announced_or_not_the_keys_is_refused() {
    let token = sign(&json!({ "alg": "EdDSA" }), &claims().to_string());
    let read = IdToken::read(&token, &[Algorithm::Rs256]);
    assert_eq!(read.err(), Some(IdTokenRefused::Algorithm));
    let other = sign(&json!({ "alg": "ES256" }), &claims().to_string());
    assert_eq!(verify(&other), Err(IdTokenRefused::Signature));
}

#[test]
fn a_signature_of_another_key_or_of_another_text_is_refused() {
    let token = sign(&json!({ "alg": "EdDSA" }), &claims().to_string());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let forged = format!("{signed}.{}", encode(other.sign(signed.as_bytes())));
    assert_eq!(verify(&forged), Err(IdTokenRefused::Signature));
    let payload = encode(changed("sub", json!("eve")).to_string());
    let swapped = format!("{}.{payload}.{signature}", encode(r#"{"alg":"EdDSA"}"#));
    assert_eq!(verify(&swapped), Err(IdTokenRefused::Signature));
    assert_eq!(verify(&format!("{signed}.")), Err(IdTokenRefused::Signature));
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    for more in [json!({"crit": ["x"]}), json!({"zip": "DEF"}), json!({"b64": false})] {
        let mut asks = json!({ "alg": "EdDSA" });
        asks.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(header(&asks), IdTokenRefused::Header, "{asks}");
    }
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", ""] {
        assert_eq!(header(&json!({ "alg": "EdDSA", "typ": typ })), IdTokenRefused::Header);
    }
    // A key that the token brings along is not looked at.
    let brings = json!({ "alg": "EdDSA", "jwk": { "kty": "oct", "k": "AA" }, "jku": "https://x" });
    assert!(verify(&sign(&brings, &claims().to_string())).is_ok());
}

#[test]
fn what_is_no_signed_token_is_refused() {
    let token = sign(&json!({ "alg": "EdDSA" }), &claims().to_string());
    for raw in ["", "a", "a.b", &format!("{token}.a"), &format!("a.{token}.a")] {
        assert!(verify(raw).is_err(), "{raw}");
    }
    let list = sign(&json!({ "alg": "EdDSA" }), "[1,2]");
    assert_eq!(verify(&list), Err(IdTokenRefused::Claims));
    assert_eq!(verify(&"x".repeat(LONGEST + 1)), Err(IdTokenRefused::TooLong));
    let deep = sign(&json!({ "alg": "EdDSA" }), &format!("{{\"a\":{}", "[".repeat(5_000)));
    assert_eq!(verify(&deep), Err(IdTokenRefused::Claims));
}

#[test]
fn every_claim_that_is_needed_is_needed_in_its_type() {
    for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
        assert_eq!(says(&without(claim)), Err(IdTokenRefused::Claims), "{claim}");
        for value in [json!(null), json!(true), json!({})] {
            assert_eq!(says(&changed(claim, value)), Err(IdTokenRefused::Claims), "{claim}");
        }
    }
    for value in [json!("1"), json!(1e300), json!(1.5)] {
        assert_eq!(says(&changed("exp", value.clone())), Err(IdTokenRefused::Claims), "{value}");
    }
    assert_eq!(says(&changed("iss", json!(["https://id.test"]))), Err(IdTokenRefused::Claims));
    let twice = claims().to_string().replacen('{', "{\"sub\":\"eve\",", 1);
    assert_eq!(verify(&sign(&json!({ "alg": "EdDSA" }), &twice)), Err(IdTokenRefused::Claims));
}

#[test]
fn another_issuer_is_refused() {
    for issuer in ["https://id.test/", "https://ID.test", "https://evil.test", ""] {
        assert_eq!(says(&changed("iss", json!(issuer))), Err(IdTokenRefused::Issuer), "{issuer}");
    }
}

#[test]
fn a_token_for_another_client_is_refused() {
    for audience in [json!("other"), json!(["other"]), json!([]), json!("Club")] {
        assert_eq!(says(&changed("aud", audience)), Err(IdTokenRefused::Audience));
    }
    let mut both = changed("aud", json!([CLIENT, "other"]));
    assert_eq!(says(&both), Err(IdTokenRefused::AuthorizedParty));
    both["azp"] = json!("other");
    assert_eq!(says(&both), Err(IdTokenRefused::AuthorizedParty));
    both["azp"] = json!(CLIENT);
    assert!(says(&both).is_ok());
    assert_eq!(says(&changed("azp", json!("other"))), Err(IdTokenRefused::AuthorizedParty));
}

#[test]
fn a_token_is_good_around_now_only() {
    assert!(says(&changed("exp", json!(NOW - LEEWAY + 1))).is_ok());
    for expired in [NOW - LEEWAY, 0, -1, i64::MIN] {
        assert_eq!(says(&changed("exp", json!(expired))), Err(IdTokenRefused::Expired));
    }
    for issued in [NOW + LEEWAY + 1, i64::MAX, NOW - RECENT - 1, i64::MIN] {
        assert_eq!(says(&changed("iat", json!(issued))), Err(IdTokenRefused::IssuedAt));
    }
    assert_eq!(says(&changed("nbf", json!(NOW + 60))), Err(IdTokenRefused::IssuedAt));
}

#[test]
fn a_token_of_another_attempt_is_refused() {
    for nonce in ["", "m", "nn", "N"] {
        assert_eq!(says(&changed("nonce", json!(nonce))), Err(IdTokenRefused::Nonce), "{nonce}");
    }
}

#[test]
fn a_token_beside_another_access_token_is_refused() {
    let half = |token: &str| {
        let digest = digest::digest(&digest::SHA512, token.as_bytes());
        encode(&digest.as_ref()[..32])
    };
    assert!(says(&changed("at_hash", json!(half("token")))).is_ok());
    for hash in [half("other"), String::new(), "x".to_owned()] {
        assert_eq!(says(&changed("at_hash", json!(hash))), Err(IdTokenRefused::AccessToken));
    }
}

#[test]
fn a_subject_is_visible_ascii() {
    let long = "x".repeat(256);
    for subject in ["", &long, "a\0", "ü"] {
        assert_eq!(says(&changed("sub", json!(subject))), Err(IdTokenRefused::Subject));
    }
}

#[test]
fn an_address_counts_as_verified_only_if_the_provider_says_so() {
    let verified = |value| says(&changed("email_verified", value)).map(|ann| ann.email_verified);
    assert_eq!(verified(json!("true")), Ok(true));
    for value in [json!(false), json!(null), json!("false"), json!("yes")] {
        assert_eq!(verified(value), Ok(false));
    }
    assert_eq!(verified(json!(1)), Err(IdTokenRefused::Claims));
    assert!(!says(&without("email_verified")).unwrap().email_verified);
    assert!(!says(&without("email")).unwrap().email_verified);
}

#[test]
fn a_key_on_p256_verifies_tokens_of_es256() {
    let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = made.public_key().as_ref();
    let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
    let key = usable(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
    let signed = format!("{}.{}", encode(r#"{"alg":"ES256"}"#), encode(claims().to_string()));
    let signature = made.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", encode(signature));
    let read = IdToken::read(&token, &[Algorithm::Es256]).unwrap();
    assert_eq!(read.verify(&key, &expected()).unwrap().subject, "ann");
}

#[test]
fn keys_for_something_else_are_not_used() {
    let x = encode(pair().public_key());
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    assert!(usable(okp.clone()).is_some());
    for (member, value) in [("use", "enc"), ("alg", "RS256"), ("crv", "X25519"), ("kty", "oct")] {
        let mut other = okp.clone();
        other[member] = json!(value);
        assert!(usable(other).is_none(), "{member}");
    }
}
