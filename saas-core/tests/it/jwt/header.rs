//! The header and the key it names: RFC 8725, sections 3.1, 3.5, 3.8, 3.10 and 3.11.

use std::{io::ErrorKind, net::TcpListener};

use aws_lc_rs::hmac;
use saas_core::auth::{KeySet, KeyState, SigningKey, StrictVerifier};
use serde_json::{Value, json};

use crate::world::{
    AUDIENCE, ISSUER, RSA_KID, World, public_forms, rsa_public, rsa_signature, sealed,
};

#[test]
fn j08_a_public_key_is_never_taken_for_a_secret() {
    let world = World::new();
    for (name, secret) in public_forms(&world) {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        for kid in [world.key.kid(), RSA_KID] {
            let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}).to_string();
            let token = sealed(&header, &world.claims().to_string(), |message| {
                hmac::sign(&secret, message).as_ref().to_vec()
            });
            world.refuses_all("algorithm", &[(name, token)]);
        }
    }
}

#[test]
fn j09_a_key_is_used_with_its_own_algorithm_only() {
    let world = World::new();
    let ed = world.key.kid();
    let rsa =
        |header: Value| sealed(&header.to_string(), &world.claims().to_string(), rsa_signature);
    let header = |alg: &str, kid: &str| json!({"typ": "at+jwt", "alg": alg, "kid": kid});
    let cases = [
        ("RS256 with the id of the Ed25519 key", rsa(header("RS256", ed))),
        (
            "EdDSA with the id of the RSA key",
            world.sign(&header("EdDSA", RSA_KID), &world.claims()),
        ),
        ("PS256 of an RS256 key", rsa(header("PS256", RSA_KID))),
        ("RS512 of an RS256 key", rsa(header("RS512", RSA_KID))),
        ("ES256 of an Ed25519 key", world.sign(&header("ES256", ed), &world.claims())),
        ("in lower case", world.sign(&header("eddsa", ed), &world.claims())),
    ];
    world.refuses_all("algorithm", &cases);
    let crossed = [
        ("signed by the RSA key", rsa(header("EdDSA", ed))),
        ("signed by the Ed25519 key", world.sign(&header("RS256", RSA_KID), &world.claims())),
    ];
    world.refuses_all("signature", &crossed);
    assert!(world.verifier.verify(&rsa(header("RS256", RSA_KID))).is_ok());
}

#[test]
fn j10_a_token_names_its_key() {
    let world = World::new();
    let cases = [
        ("no kid", world.token_with_header("kid", None)),
        ("null", world.token_with_header("kid", Some(Value::Null))),
        ("a number", world.token_with_header("kid", Some(1.into()))),
        ("a list", world.token_with_header("kid", Some(json!([world.key.kid()])))),
    ];
    world.refuses_all("header", &cases);

    let alone = KeySet::new([world.key.verifying_key(KeyState::Active)]).unwrap();
    let alone = StrictVerifier::new(alone, ISSUER, AUDIENCE, world.clock.clone());
    let nameless = world.token_with_header("kid", None);
    assert_eq!(alone.verify(&nameless).unwrap_err().reason(), "header");
}

#[test]
fn j10_a_thousand_unknown_keys_are_refused_from_memory() {
    let world = World::new();
    let odd = ["", " ", "../../etc/passwd", "' or 1=1 --", "http://127.0.0.1/k", "\u{0}", "RSA-1"];
    let many = (0..1_000).map(|number| format!("key-{number}"));
    for kid in odd.into_iter().map(str::to_owned).chain(many) {
        let token = world.token_with_header("kid", Some(kid.clone().into()));
        world.refuses_all("unknown_key", &[(&kid, token)]);
    }
}

#[test]
fn j12_a_key_in_the_header_is_not_taken() {
    let world = World::new();
    let theirs = SigningKey::generate().unwrap();
    let set = KeySet::new([theirs.verifying_key(KeyState::Active)]).unwrap();
    let jwk = serde_json::to_value(set.to_jwks(world.clock.now())).unwrap()["keys"][0].clone();
    let stranger = World { key: theirs, ..World::new() };
    let mut header = stranger.header();
    header["jwk"] = jwk.clone();
    let signed_with_it = stranger.sign(&header, &world.claims());
    header["kid"] = world.key.kid().into();
    let under_our_name = stranger.sign(&header, &world.claims());
    let present = world.token_with_header("jwk", Some(jwk));
    let cases = [
        ("signed with it", signed_with_it),
        ("signed with it under our name", under_our_name),
        ("merely present", present),
    ];
    world.refuses_all("header", &cases);
    let unnamed = stranger.sign(&world.header(), &world.claims());
    world.refuses_all("signature", &[("their key under our name", unnamed)]);
}

#[test]
fn j13_an_address_in_the_header_is_never_called() {
    let world = World::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = format!("http://{}/keys.json", server.local_addr().unwrap());
    for field in ["jku", "x5u", "x5c", "x5t", "x5t#S256", "kid_url"] {
        for value in [json!(address), json!([address])] {
            let token = world.token_with_header(field, Some(value));
            world.refuses_all("header", &[(field, token)]);
        }
    }
    assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody called");
}

#[test]
fn j15_compressed_encrypted_nested_or_extended_tokens_are_refused() {
    let world = World::new();
    let fields = [
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("nonce", json!("n")),
    ];
    for (field, value) in fields {
        let token = world.token_with_header(field, Some(value));
        world.refuses_all("header", &[(field, token)]);
    }
}

#[test]
fn j15_a_header_is_one_object_with_each_field_once() {
    let world = World::new();
    let (kid, claims) = (world.key.kid(), world.claims().to_string());
    let cases = [
        ("an array in order", json!(["at+jwt", "EdDSA", kid]).to_string()),
        ("an array", "[]".to_owned()),
        ("a text", "\"at+jwt\"".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("not JSON", "EdDSA".to_owned()),
        ("alg twice", world.header().to_string().replacen('{', "{\"alg\":\"none\",", 1)),
        ("something behind it", format!("{} {{}}", world.header())),
    ];
    let cases = cases.map(|(name, header)| (name, world.sign_text(&header, &claims)));
    world.refuses_all("header", &cases);
}

#[test]
fn j16_only_tokens_of_the_type_at_jwt_are_access_tokens() {
    let world = World::new();
    let kinds =
        ["JWT", "dpop+jwt", "logout+jwt", "secevent+jwt", "rt+jwt", "", "at+jwt ", "AT+JWT"];
    for kind in kinds {
        let token = world.token_with_header("typ", Some(kind.into()));
        world.refuses_all("type", &[(kind, token)]);
    }
    world.refuses_all("header", &[("no type", world.token_with_header("typ", None))]);
}

#[test]
fn one_key_cannot_stand_twice_in_a_set() {
    assert!(KeySet::new([rsa_public(), rsa_public()]).is_err());
    let keys = KeySet::new([rsa_public()]).unwrap();
    assert!(keys.replace([rsa_public(), rsa_public()]).is_err());
    assert!(format!("{keys:?}").contains(RSA_KID), "the old keys are gone");
}
