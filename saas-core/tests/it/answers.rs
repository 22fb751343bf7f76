//! What a client reads of a refusal: RFC 6750, section 3, RFC 9470 and RFC 9457.

use std::time::Duration;

use axum::{Router, body::Body, body::to_bytes, response::IntoResponse, routing::get};
use http::{Request, StatusCode, header};
use saas_core::{
    UserId,
    auth::{Credential, Principal, Realm, Refusal, Reject, SecondFactor, Unauthenticated},
    permission::{Denied, Grants, Permission, PermissionSet, Risk, Terms},
};
use tower::ServiceExt as _;

use crate::world::World;

struct VoidInvoice;

impl Permission for VoidInvoice {
    const BIT: u8 = 130;
    const NAME: &'static str = "invoice:void";
    const RISK: Risk = Risk::Critical;
}

/// Status, code and challenge.
fn seen(refusal: &Refusal) -> (u16, String, String) {
    let challenge = refusal.www_authenticate().map_or("", |value| value.to_str().unwrap());
    let problem = refusal.problem();
    (problem.status().as_u16(), problem.code().to_owned(), challenge.to_owned())
}

fn refused(reject: Reject) -> (u16, String, String) {
    seen(&Realm::default().refuse(reject))
}

fn denied(terms: Terms) -> (u16, String, String) {
    let refused: Denied = Grants::new(terms).require::<VoidInvoice>().unwrap_err();
    seen(&Realm::default().deny(refused))
}

fn expected(status: u16, code: &str, challenge: &str) -> (u16, String, String) {
    (status, code.to_owned(), challenge.to_owned())
}

#[test]
fn r0_to_r3_tell_no_more_than_rfc_6750() {
    let missing = expected(401, "missing_credentials", r#"Bearer realm="api""#);
    assert_eq!(refused(Reject::Missing), missing);
    let error = r#"Bearer realm="api", error="invalid_token""#;
    for reject in [Reject::Signature, Reject::UnknownKey, Reject::Revoked, Reject::Audience] {
        assert_eq!(refused(reject), expected(401, "invalid_token", error));
    }
    assert_eq!(refused(Reject::Expired), expected(401, "token_expired", error));
    let error = r#"Bearer realm="api", error="invalid_request""#;
    assert_eq!(refused(Reject::TooLong), expected(400, "invalid_request", error));
}

#[test]
fn r4_names_the_missing_scope_and_the_one_term_in_the_way() {
    let error = r#"Bearer realm="api", error="insufficient_scope", scope="invoice:void""#;
    let (all, none) = (Terms::of_roles(PermissionSet::ALL), PermissionSet::EMPTY);
    let cases = [
        (Terms::of_roles(none), "permission_denied"),
        (Terms { plan: none, ..all }, "plan_required"),
        (Terms { impersonation: none, ..all }, "impersonation_forbidden"),
    ];
    for (terms, code) in cases {
        assert_eq!(denied(terms), expected(403, code, error));
    }
}

#[test]
fn r5_asks_for_a_fresh_or_stronger_proof() {
    let max_age = Some(Duration::from_secs(300));
    let error = r#"Bearer realm="api", error="insufficient_user_authentication""#;
    let both = format!(r#"{error}, acr_values="mfa", max_age="300""#);
    let asked = refused(Reject::StepUp { max_age, acr: Some("mfa") });
    assert_eq!(asked, expected(401, "step_up_required", &both));
    let asked = refused(Reject::StepUp { max_age: None, acr: None });
    assert_eq!(asked, expected(401, "step_up_required", error));
}

#[test]
fn r7_a_credential_of_another_tenant_is_forbidden() {
    let error = r#"Bearer realm="api", error="insufficient_scope""#;
    assert_eq!(refused(Reject::TenantMismatch), expected(403, "tenant_mismatch", error));
}

#[tokio::test]
async fn r6_is_a_503_with_a_hint_when_to_ask_again_and_no_challenge() {
    let refusal = Realm::default().refuse(Reject::Unavailable("password=hunter2".into()));
    let response = refusal.into_response();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    assert!(!String::from_utf8(body.to_vec()).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_no_cache_keeps_and_that_repeats_nothing_of_the_token() {
    let world = World::new();
    let token = world.token_with("aud", Some("https://other.example/secret-name".into()));
    let response = Realm::default().refuse(world.refusal(&token)).into_response();
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let headers = format!("{headers:?}");
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    let sent = headers + str::from_utf8(&body).unwrap();
    for part in token.split('.').chain(["other.example", "secret-name", "audience", "eyJ"]) {
        assert!(!sent.contains(part), "`{part}` in {sent}");
    }
}

#[test]
fn a_realm_is_a_word_that_fits_into_a_header() {
    let realm = Realm::new("Club API").unwrap();
    let (.., challenge) = seen(&realm.refuse(Reject::Missing));
    assert_eq!(challenge, r#"Bearer realm="Club API""#);
    for name in ["", "a\"b", "a\\b", "a\r\nSet-Cookie: x", "ö", &"a".repeat(65)] {
        assert!(Realm::new(name).is_err(), "{name}");
    }
}

async fn answer(put: impl FnOnce(&mut http::Extensions), path: &str) -> (StatusCode, String) {
    let app = Router::new()
        .route("/me", get(|principal: Principal| async move { principal.user().to_string() }))
        .route(
            "/anyone",
            get(|principal: Option<Principal>| async move {
                principal.map_or("nobody".to_owned(), |principal| principal.user().to_string())
            }),
        );
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    put(request.extensions_mut());
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn somebody(world: &World) -> Principal {
    let session = saas_core::SessionId::generate(&world.clock);
    let user = UserId::generate(&world.clock);
    Principal::new(user, Credential::AccessToken(session), world.clock.now())
        .with_second_factor(SecondFactor::Proven)
}

#[tokio::test]
async fn a_handler_that_asks_who_it_is_gets_the_principal() {
    let principal = somebody(&World::new());
    let user = principal.user().to_string();
    for path in ["/me", "/anyone"] {
        let put = principal.clone();
        let (status, body) = answer(|extensions| drop(extensions.insert(put)), path).await;
        assert_eq!((status, &body), (StatusCode::OK, &user));
    }
}

#[tokio::test]
async fn without_a_sign_in_a_handler_answers_401_and_an_optional_one_gets_none() {
    let nobody = || Unauthenticated::new(Realm::default().refuse(Reject::Missing));
    let (status, body) = answer(|extensions| drop(extensions.insert(nobody())), "/me").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("missing_credentials"));
    let asked = answer(|extensions| drop(extensions.insert(nobody())), "/anyone").await;
    assert_eq!(asked, (StatusCode::OK, "nobody".to_owned()));
}

#[tokio::test]
async fn without_the_layer_that_authenticates_nobody_gets_through() {
    for path in ["/me", "/anyone"] {
        let (status, body) = answer(|_| (), path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("Principal"));
    }
}

#[test]
fn a_new_principal_may_do_nothing_and_acts_as_what_it_proved() {
    let world = World::new();
    let principal = somebody(&world);
    assert!(principal.require::<VoidInvoice>().is_err());
    assert!(principal.grants().effective().is_empty() && principal.tenant().is_none());
    let (user, by) = (principal.user(), UserId::generate(&world.clock));
    let acting = principal.clone().impersonated_by(by).actor();
    assert_eq!(acting, saas_core::Actor::Impersonated { id: user, by });
    assert_eq!(principal.actor(), saas_core::Actor::User { id: user });
    let id = saas_core::ApiKeyId::generate(&world.clock);
    let key = Principal::new(user, Credential::ApiKey(id), world.clock.now());
    assert_eq!(key.actor(), saas_core::Actor::ApiKey { id, owner: user });
    assert_eq!(key.session(), None);
}
