//! Who it is from, for whom, about whom: RFC 7519, section 4.1, and RFC 9068, section 2.2.

use saas_core::UserId;
use serde_json::{Value, json};

use crate::world::{AUDIENCE, ISSUER, World};

#[test]
fn j22_the_audience_is_one_text_and_ours() {
    let world = World::new();
    let token = |value: Value| world.token_with("aud", Some(value));
    let mistyped = [
        ("missing", world.token_with("aud", None)),
        ("null", token(Value::Null)),
        ("a number", token(1.into())),
        ("a list of numbers", token(json!([1]))),
        ("an object", token(json!({AUDIENCE: true}))),
        ("a list with ours", token(json!([AUDIENCE]))),
        ("a list with ours and another", token(json!(["https://evil.example", AUDIENCE]))),
        ("an empty list", token(json!([]))),
    ];
    world.refuses_all("claims", &mistyped);
    let foreign = ["", "*", "https://evil.example", "HTTPS://club.example/api", ISSUER]
        .map(|value| (value, token(value.into())));
    world.refuses_all("audience", &foreign);
    world.refuses_all("audience", &[("a slash", token(format!("{AUDIENCE}/").into()))]);
    world.refuses_all("audience", &[("a prefix", token(AUDIENCE[..8].into()))]);
}

#[test]
fn j24_the_issuer_is_one_text_and_ours_letter_by_letter() {
    let world = World::new();
    let token = |value: Value| world.token_with("iss", Some(value));
    let mistyped = [
        ("missing", world.token_with("iss", None)),
        ("null", token(Value::Null)),
        ("a number", token(7.into())),
        ("a list with ours", token(json!(["https://evil.example", ISSUER]))),
        ("an object", token(json!({"url": ISSUER}))),
    ];
    world.refuses_all("claims", &mistyped);
    let foreign =
        ["", "https://evil.example", "https://Club.example", "http://club.example", AUDIENCE]
            .map(|value| (value, token(value.into())));
    world.refuses_all("issuer", &foreign);
    world.refuses_all("issuer", &[("a slash", token(format!("{ISSUER}/").into()))]);
}

#[test]
fn j26_person_tenant_and_session_are_ids() {
    let world = World::new();
    let no_ids = [
        ("null", Value::Null),
        ("empty", json!("")),
        ("a name", json!("owner@acme.test")),
        ("a number", json!(42)),
        ("a list", json!([UserId::generate(&world.clock)])),
        ("too short", json!("01234567-89ab-7def-8123-456789abcde")),
        ("too long", json!("01234567-89ab-7def-8123-456789abcdef0")),
        ("blanks around it", json!(format!(" {} ", UserId::generate(&world.clock)))),
    ];
    for claim in ["sub", "tid", "sid", "jti"] {
        for (name, value) in &no_ids {
            world.refuses_all("claims", &[(name, world.token_with(claim, Some(value.clone())))]);
        }
    }
    for claim in ["sub", "sid", "jti", "ep", "auth_time"] {
        world.refuses_all("claims", &[(claim, world.token_with(claim, None))]);
    }
    let unbound = world.verifier.verify(&world.token_with("tid", None)).unwrap();
    assert_eq!(unbound.tid, None, "a token without a tenant is bound to none");
}

#[test]
fn who_acts_for_somebody_is_named_in_one_form_only() {
    let world = World::new();
    let by = UserId::generate(&world.clock);
    let accepted = world.verifier.verify(&world.token_with("act", Some(json!({"sub": by}))));
    assert_eq!(accepted.unwrap().act, Some(by));
    let refused = [
        ("null", Value::Null),
        ("an id", json!(by)),
        ("a list", json!([by])),
        ("nobody", json!({})),
        ("not an id", json!({"sub": "root"})),
        ("a chain", json!({"sub": by, "act": {"sub": by}})),
    ];
    for (name, value) in refused {
        world.refuses_all("claims", &[(name, world.token_with("act", Some(value)))]);
    }
}

#[test]
fn claims_that_are_not_ours_are_ignored_roles_above_all() {
    let world = World::new();
    let mut claims = world.typed_claims();
    claims.acr = Some("mfa".to_owned());
    let mut sent = serde_json::to_value(&claims).unwrap();
    sent["roles"] = json!(["owner"]);
    sent["scope"] = json!("*");
    let read = world.verifier.verify(&world.sign(&world.header(), &sent)).unwrap();
    assert_eq!(read, claims);
}
