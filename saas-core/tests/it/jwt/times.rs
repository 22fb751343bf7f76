//! The times: RFC 7519, sections 2 (`NumericDate`) and 4.1.4 to 4.1.6.

use std::time::Duration;

use chrono::TimeDelta;
use saas_core::{
    Problem,
    auth::{KeyState, StrictVerifier},
};
use serde_json::{Value, json};

use crate::world::{AUDIENCE, ISSUER, World, start};

/// Values that are no time, whatever the claim.
fn no_times() -> [(&'static str, Value); 9] {
    let seconds = start().timestamp();
    [
        ("null", Value::Null),
        ("a text", json!(seconds.to_string())),
        ("a date", json!("2026-11-22T09:00:00Z")),
        ("a fraction", json!(1_795_338_000.5)),
        ("1e300", json!(1e300)),
        ("negative", json!(-1)),
        ("true", json!(true)),
        ("a list", json!([seconds])),
        ("beyond 64 bits", serde_json::from_str("18446744073709551616").unwrap()),
    ]
}

fn at(offset: i64) -> Option<Value> {
    Some((start().timestamp() + offset).into())
}

#[test]
fn j17_a_token_without_a_proper_end_is_refused() {
    let world = World::new();
    world.refuses_all("claims", &[("no exp", world.token_with("exp", None))]);
    for (name, value) in no_times() {
        world.refuses_all("claims", &[(name, world.token_with("exp", Some(value)))]);
    }
    let far = json!(u64::MAX);
    world.refuses_all("claims", &[("no calendar has it", world.token_with("exp", Some(far)))]);
    let cases = [
        ("the year 9999", world.token_with("exp", Some(253_402_300_799_i64.into()))),
        (
            "the last year of the calendar",
            world.token_with("exp", Some(8_210_266_876_799_i64.into())),
        ),
        ("a second more than an hour", world.token_with("exp", at(3601))),
        ("as it begins", world.token_with("exp", at(0))),
        ("before it begins", world.token_with("exp", at(-1))),
    ];
    world.refuses_all("lifetime", &cases);
    assert!(world.verifier.verify(&world.token_with("exp", at(3600))).is_ok());
}

#[test]
fn times_at_the_end_of_the_calendar_do_not_overflow() {
    let world = World::new();
    let verifier = world.verifier.clone().with_max_lifetime(Duration::MAX);
    let last = 8_210_266_876_799_i64;
    let eternal = world.token_with("exp", Some(last.into()));
    assert!(verifier.verify(&eternal).is_ok());
    for claim in ["iat", "nbf", "auth_time"] {
        let mut claims = world.claims();
        claims["exp"] = last.into();
        claims[claim] = (last - 1).into();
        let token = world.sign(&world.header(), &claims);
        assert_eq!(verifier.verify(&token).unwrap_err().reason(), "not_yet_valid", "{claim}");
    }
}

#[test]
fn j18_an_expired_token_is_accepted_for_30_seconds_and_then_named_expired() {
    let world = World::new();
    let token = world.token_with("exp", at(60));
    world.hand.advance(Duration::from_secs(90));
    assert!(world.verifier.verify(&token).is_ok(), "30 seconds after its end");
    world.hand.advance(Duration::from_millis(1));
    let reject = world.refusal(&token);
    assert_eq!(reject.reason(), "expired");
    let problem = Problem::from(reject);
    assert_eq!((problem.status().as_u16(), problem.code()), (401, "token_expired"));
}

#[test]
fn j18_only_who_had_a_valid_token_learns_that_it_has_expired() {
    let world = World::new();
    let token = world.token();
    let foreign = world.token_with("aud", Some("https://other.example".into()));
    world.hand.advance(Duration::from_secs(7200));
    let (front, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{front}.{}", crate::world::base64url([0_u8; 64]));
    world.refuses_all("signature", &[("forged", forged)]);
    world.refuses_all("audience", &[("for somebody else", foreign)]);
}

#[test]
fn j20_a_token_is_not_valid_before_its_time() {
    let world = World::new();
    for (name, value) in no_times() {
        world.refuses_all("claims", &[(name, world.token_with("nbf", Some(value)))]);
    }
    world.refuses_all("not_yet_valid", &[("in 31 s", world.token_with("nbf", at(31)))]);
    for accepted in [at(30), at(-600), None] {
        assert!(world.verifier.verify(&world.token_with("nbf", accepted.clone())).is_ok());
    }
}

#[test]
fn j21_a_token_is_not_made_in_the_future() {
    let world = World::new();
    world.refuses_all("claims", &[("no iat", world.token_with("iat", None))]);
    for (name, value) in no_times() {
        world.refuses_all("claims", &[(name, world.token_with("iat", Some(value)))]);
    }
    world.refuses_all("not_yet_valid", &[("in 31 s", world.token_with("iat", at(31)))]);
    world
        .refuses_all("not_yet_valid", &[("proved in 31 s", world.token_with("auth_time", at(31)))]);
    assert!(world.verifier.verify(&world.token_with("iat", at(30))).is_ok());
}

#[test]
fn j21_a_token_is_not_older_than_its_key() {
    let world = World::new();
    let made = start() - TimeDelta::seconds(60);
    let key = world.key.verifying_key(KeyState::Active).usable_from(made);
    world.keys.replace([key]).unwrap();
    let verifier = StrictVerifier::new(world.keys.clone(), ISSUER, AUDIENCE, world.clock.clone());
    assert!(
        verifier.verify(&world.token_with("iat", at(-90))).is_ok(),
        "clocks may differ by 30 s"
    );
    let older = world.token_with("iat", at(-91));
    assert_eq!(verifier.verify(&older).unwrap_err().reason(), "older_than_key");
}
