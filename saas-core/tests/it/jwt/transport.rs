//! How a token arrives: RFC 6750, section 2, and RFC 9110, section 11.

use http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION};
use saas_core::{
    Problem,
    auth::{Reject, bearer},
};

use crate::world::World;

fn sent(values: &[&[u8]]) -> HeaderMap {
    values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_bytes(value).unwrap())).collect()
}

fn reason(values: &[&[u8]]) -> &'static str {
    let reject = bearer(&sent(values)).unwrap_err();
    let reason = reject.reason();
    let problem = Problem::from(reject);
    assert_eq!((problem.status().as_u16(), problem.code()), (400, "invalid_request"), "{values:?}");
    reason
}

#[test]
fn j01_no_header_or_another_scheme_is_no_credential() {
    for headers in [sent(&[]), sent(&[b"Basic dXNlcjpwdw=="]), sent(&[b"DPoP abc"]), sent(&[b""])] {
        assert_eq!(bearer(&headers).unwrap(), None, "{headers:?}");
    }
    let problem = Problem::from(Reject::Missing);
    assert_eq!((problem.status().as_u16(), problem.code()), (401, "missing_credentials"));
}

#[test]
fn j02_a_token_in_the_address_is_not_looked_at() {
    let token = World::new().token();
    let address = format!("/api/v1/members?access_token={token}");
    let request = Request::get(address).header("cookie", format!("access_token={token}"));
    assert_eq!(bearer(request.body(()).unwrap().headers()).unwrap(), None);
}

#[test]
fn j04_a_bearer_header_without_exactly_one_token_is_refused() {
    let malformed: [&[u8]; 12] = [
        b"Bearer",
        b"Bearer ",
        b"Bearer    ",
        b"Bearer a b",
        b"Bearer a,b",
        b"Bearer a;b",
        b"Bearer \"a\"",
        b"Bearer a\tb",
        b"Bearer ===",
        b"Bearer a=b",
        b"Bearer t\xc3\xb6ken",
        b"Bearer \xff\xfe",
    ];
    for value in malformed {
        assert_eq!(reason(&[value]), "malformed_header", "{value:?}");
    }
}

#[test]
fn j04_two_authorization_headers_are_refused_even_if_they_are_equal() {
    assert_eq!(reason(&[b"Bearer a", b"Bearer a"]), "repeated_header");
    assert_eq!(reason(&[b"Basic a", b"Bearer b"]), "repeated_header");
}

#[test]
fn the_scheme_is_read_in_any_case_and_the_token_as_it_is() {
    for value in [&b"Bearer aB.c-_~+/=="[..], b"bearer aB.c-_~+/==", b"BEARER   aB.c-_~+/=="] {
        assert_eq!(bearer(&sent(&[value])).unwrap(), Some("aB.c-_~+/=="));
    }
}

#[test]
fn j05_a_token_over_8_kib_is_refused_before_anything_is_decoded() {
    let world = World::new();
    // `!` is no base64: that the answer speaks of the length shows that nobody looked.
    for long in ["a".repeat(8193), "!".repeat(8193), format!("{}.a.a", "a".repeat(1 << 20))] {
        let reject = world.refusal(&long);
        assert!(matches!(reject, Reject::TooLong), "{}", reject.reason());
        assert_eq!(reason(&[format!("Bearer {long}").as_bytes()]), "too_long");
    }
    assert_eq!(world.refusal(&"a".repeat(8192)).reason(), "segments");
}

#[test]
fn j37_a_refresh_token_or_an_api_key_is_no_access_token() {
    let world = World::new();
    let opaque = crate::world::base64url([7_u8; 32]);
    let cases = [
        ("an opaque refresh token", opaque.clone()),
        ("an opaque token with dots", format!("rt.{opaque}")),
        ("an api key", format!("sk_live_0123456789_{opaque}")),
    ];
    world.refuses_all("segments", &cases);
    let refresh = world.token_with_header("typ", Some("rt+jwt".into()));
    world.refuses_all("type", &[("a signed refresh token", refresh)]);
}
