use http::StatusCode;
use saas_core::Problem;
use saas_rbac::oidc::{
    Arrival, Connection, Flow, IdTokenRefused, Newcomers, OidcError, Provider, ProviderHttp, Reach,
    Redirect,
};
use url::Url;

use super::{
    browser::{Browser, CALLBACK},
    hall::{Hall, SECRET},
    provider::RealProvider,
};

/// The same redirect with one parameter changed by somebody in between.
fn changed(redirect: &Redirect, name: &str, value: &str) -> Url {
    let mut url = redirect.url.clone();
    let pairs: Vec<(String, String)> = redirect.url.query_pairs().into_owned().collect();
    let mut query = url.query_pairs_mut();
    query.clear();
    for (key, old) in &pairs {
        query.append_pair(key, if key == name { value } else { old });
    }
    drop(query);
    url
}

async fn begin(flow: &Flow, by: &Connection, browser: &mut Browser) -> Redirect {
    let redirect = flow.begin(by, CALLBACK).await.unwrap();
    browser.keep(&redirect.cookie);
    redirect
}

/// Why it failed; the client always learns the same.
fn reason(done: Result<Arrival, OidcError>) -> &'static str {
    let error = done.expect_err("it must be refused");
    let reason = error.reason();
    let problem = Problem::from(error);
    assert_eq!((problem.status(), problem.code()), (StatusCode::UNAUTHORIZED, "sign_in_failed"));
    reason
}

#[tokio::test]
async fn everybody_comes_back_as_who_they_are_by_every_kind_of_client() {
    let hall = Hall::new().await;
    let clients = [
        hall.client("club").with_client_secret(SECRET.to_owned()),
        hall.client("post").with_client_secret("secret-of-post".to_owned()),
        hall.client("public"),
        hall.client("edwards"),
        hall.client("elliptic"),
    ];
    for new in clients {
        let by = hall.connections.create_for_all(new, Newcomers::Refused).await.unwrap();
        let arrival = hall.arrive("ann", &by).await;
        let ann = arrival.identity();
        assert_eq!(ann.issuer, RealProvider::shared().issuer());
        assert_eq!(ann.subject, "ann", "{by:?}");
        assert_eq!(ann.email.as_deref(), Some("ann@acme.test"));
        assert!(ann.email_verified);
        assert_eq!(ann.name.as_deref(), Some("Ann Other"));
    }
}

#[tokio::test]
async fn a_wrong_secret_gets_nobody_in() {
    let hall = Hall::new().await;
    let new = hall.client("club").with_client_secret("wrong".to_owned());
    let by = hall.connections.create_for_all(new, Newcomers::Refused).await.unwrap();
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    assert_eq!(reason(hall.flow.finish(&query, browser.headers()).await), "code");
}

#[tokio::test]
async fn a_wrong_or_missing_state_is_refused() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    let without: Vec<&str> = query.split('&').filter(|part| !part.starts_with("state=")).collect();
    let without = without.join("&");
    let finish = async |query: &str| reason(hall.flow.finish(query, browser.headers()).await);
    assert_eq!(finish(&without).await, "callback");
    assert_eq!(finish(&format!("{without}&state=x")).await, "state");
    assert_eq!(finish(&format!("{query}&state=x")).await, "callback");
    assert_eq!(finish(&"x".repeat(9_000)).await, "callback");
    assert_eq!(finish("").await, "callback");
}

#[tokio::test]
async fn the_answer_to_another_browser_is_refused() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let (mut victim, mut attacker) = (Browser::of("ann"), Browser::of("eve"));
    let attackers = hall.query(&mut attacker, &by).await;
    let _victims = hall.query(&mut victim, &by).await;
    assert_eq!(reason(hall.flow.finish(&attackers, victim.headers()).await), "state");
    let nobody = Browser::of("ann");
    assert_eq!(reason(hall.flow.finish(&attackers, nobody.headers()).await), "not_begun");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    hall.flow.finish(&query, browser.headers()).await.unwrap();
    assert_eq!(reason(hall.flow.finish(&query, browser.headers()).await), "code");
}

#[tokio::test]
async fn what_was_changed_on_the_way_to_the_provider_is_noticed() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for (name, value, expected) in [
        ("nonce", "another", "id_token_nonce"),
        ("state", "another", "state"),
        ("code_challenge", challenge, "code"),
        // A code for another client of the same provider.
        ("client_id", "edwards", "code"),
    ] {
        let mut browser = Browser::of("ann");
        let redirect = begin(&hall.flow, &by, &mut browser).await;
        let query = browser.visit(changed(&redirect, name, value)).await;
        hall.catch_up();
        let done = hall.flow.finish(&query, browser.headers()).await;
        assert_eq!(reason(done), expected, "{name}");
    }
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused_before_the_code_is_sent() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    let without: Vec<&str> = query.split('&').filter(|part| !part.starts_with("iss=")).collect();
    let without = without.join("&");
    assert_ne!(without, query, "the provider names itself");
    let finish = async |query: &str| hall.flow.finish(query, browser.headers()).await;
    assert_eq!(reason(finish(&without).await), "response_issuer");
    let evil = format!("{without}&iss=https%3A%2F%2Fevil.test");
    assert_eq!(reason(finish(&evil).await), "response_issuer");
    finish(&query).await.expect("the code was kept");
}

#[tokio::test]
async fn a_refusal_of_the_provider_signs_nobody_in() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let redirect = begin(&hall.flow, &by, &mut browser).await;
    let query = browser.visit(changed(&redirect, "scope", "no_such_scope")).await;
    assert!(query.contains("error="), "{query}");
    assert_eq!(reason(hall.flow.finish(&query, browser.headers()).await), "denied");
}

#[tokio::test]
async fn whoever_comes_back_too_late_begins_again() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    hall.advance(600);
    assert_eq!(reason(hall.flow.finish(&query, browser.headers()).await), "too_late");
}

#[tokio::test]
async fn an_expired_id_token_is_refused() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    // The provider's are good for a minute.
    hall.advance(120);
    let done = hall.flow.finish(&query, browser.headers()).await;
    assert!(matches!(&done, Err(OidcError::IdToken(IdTokenRefused::Expired))), "{done:?}");
}

#[tokio::test]
async fn a_provider_under_another_name_is_not_taken() {
    let http = ProviderHttp::new(Reach::PublicAndLoopback).unwrap();
    let clock = saas_core::Clock::system();
    let issuer = RealProvider::shared().issuer();
    assert_eq!(Provider::discover(issuer, &http, &clock).await.unwrap().issuer(), issuer);
    for other in [format!("{issuer}/"), issuer.replace("127.0.0.1", "localhost")] {
        let done = Provider::discover(&other, &http, &clock).await;
        assert!(matches!(done, Err(OidcError::IssuerMismatch)), "{other}: {done:?}");
    }
}

#[tokio::test]
async fn while_the_provider_is_down_the_answer_is_503() {
    let provider = RealProvider::start();
    let hall = Box::pin(Hall::at(provider.issuer())).await;
    let by = hall.for_all(Newcomers::Refused).await;
    let mut browser = Browser::of("ann");
    let query = hall.query(&mut browser, &by).await;
    drop(provider);
    let status = |error: OidcError| Problem::from(error).status();
    let done = hall.flow.finish(&query, browser.headers()).await;
    assert_eq!(status(done.unwrap_err()), StatusCode::SERVICE_UNAVAILABLE);
    // One that has never been asked cannot be sent to at all.
    let other = Box::pin(Hall::at(&by.issuer)).await;
    let by = other.for_all(Newcomers::Refused).await;
    let done = other.flow.begin(&by, CALLBACK).await;
    assert_eq!(status(done.unwrap_err()), StatusCode::SERVICE_UNAVAILABLE);
}
