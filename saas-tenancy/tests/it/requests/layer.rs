//! What the layer lets pass, and what it leaves for handlers.

use std::sync::Arc;

use axum::{Router, body::Body, extract::Extension, middleware, routing};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use saas_core::{Actor, Clock, RequestId, Scope, problem::ProblemLayer};
use saas_tenancy::{
    Presence, ResolvedTenant, TenancyError, TenantLayer, TenantStore,
    resolve::{Authentication, Resolvers, TenantClaim},
};
use tower::{Layer, ServiceExt};

use super::{
    app::{App, get, resolvers},
    fixed_store::{FixedStore, UNREACHABLE},
};

#[tokio::test]
async fn the_status_decides_what_a_tenant_may_do() {
    let app = App::new();
    for (slug, read, write) in [
        ("acme", (200, "acme"), (200, "acme")),
        ("globex", (200, "globex"), (200, "globex")),
        ("umbrella", (200, "umbrella"), (200, "umbrella")),
        ("paused", (200, "paused"), (403, "tenant_read_only")),
        ("hooli", (403, "tenant_suspended"), (403, "tenant_suspended")),
        ("cancelled", (403, "tenant_suspended"), (403, "tenant_suspended")),
        ("deleting", (404, "tenant_not_found"), (404, "tenant_not_found")),
        ("halfmade", (404, "tenant_not_found"), (404, "tenant_not_found")),
    ] {
        for (methods, (status, word)) in [
            (&[Method::GET, Method::OPTIONS][..], read),
            (&[Method::POST, Method::PUT, Method::PATCH, Method::DELETE][..], write),
        ] {
            for method in methods {
                let request = get("/", &format!("{slug}.localhost")).method(method);
                assert_eq!(app.ask(request).await, (status, word.to_owned()), "{method} {slug}");
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_that_is_being_deleted_looks_like_one_that_never_was() {
    let app = App::new();
    let unknown = app.bytes(get("/", "nobody.localhost")).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    for host in ["deleting.localhost", "halfmade.localhost", "localhost", "nobody.example"] {
        assert_eq!(app.bytes(get("/", host)).await, unknown, "{host}");
    }
}

#[tokio::test]
async fn the_scope_is_of_the_tenant_and_of_nobody_yet() {
    let app = App::new();
    let request = RequestId::generate(&Clock::system());
    let (_, body) = app.send(get("/", "acme.localhost").extension(request)).await;
    let scope = Scope::new(app.store.id("acme"), Actor::Anonymous, request);
    assert_eq!(body["scope"], serde_json::to_value(scope).unwrap());
    let (_, body) = app.send(get("/", "acme.localhost")).await;
    assert!(body["scope"]["request"].as_str().unwrap().parse::<RequestId>().is_ok());
}

#[tokio::test]
async fn the_path_form_reaches_the_routes_without_its_prefix() {
    let app = App::new();
    let sent = "/t/acme/api/v1/members?page=2&next=/t/globex";
    let (_, body) = app.send(get(sent, "localhost")).await;
    assert_eq!(body["uri"], "/api/v1/members?page=2&next=/t/globex");
    assert_eq!(body["client_uri"], sent);
    let (_, body) = app.send(get("/api/v1/members", "acme.localhost")).await;
    assert_eq!((&body["uri"], &body["client_uri"]), (&"/api/v1/members".into(), &().into()));
}

#[tokio::test]
async fn one_look_up_serves_a_request_however_often_it_names_its_tenant() {
    let app = App::new();
    let claim = TenantClaim(app.store.id("acme"));
    let request = get("/t/acme", "acme.localhost").header("x-tenant-id", "acme").extension(claim);
    assert_eq!(app.ask(request).await.0, 200);
    assert_eq!(app.store.look_ups(), 1);
}

#[tokio::test]
async fn where_a_tenant_is_optional_only_its_absence_passes() {
    let app = App::with(resolvers(), Presence::Optional);
    let (status, body) = app.send(get("/api/v1/tenants", "localhost")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["slug"], &body["scope"]), (&().into(), &().into()));
    assert_eq!(app.ask(get("/", "www.localhost")).await, (200, String::new()));
    assert_eq!(app.ask(get("/", "acme.localhost")).await, (200, "acme".to_owned()));
    for host in ["nobody.localhost", "deleting.localhost", "x.acme.localhost", "evil.example"] {
        assert_eq!(app.ask(get("/", host)).await.0, 404, "{host}");
    }
    assert_eq!(app.ask(get("/", "hooli.localhost")).await.0, 403);
    assert_eq!(app.ask(get("/", "a..b")).await.0, 400);
}

#[tokio::test]
async fn a_store_that_fails_lets_nothing_pass_and_its_cause_is_not_sent() {
    let host = format!("{UNREACHABLE}.localhost");
    for presence in [Presence::Required, Presence::Optional] {
        let app = layer(presence).layer(Router::new().fallback(|| async { "reached" }));
        let response = app.oneshot(plain("/", &host)).await.unwrap();
        assert_eq!(response.headers()["retry-after"], "1");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("tenant_store_unavailable") && !body.contains("10.9.8.7"), "{body}");
    }
}

#[tokio::test]
async fn a_handler_that_needs_a_tenant_answers_404_without_one() {
    for path in ["/tenant", "/scope"] {
        let app = layer(Presence::Optional).layer(extracting());
        let (status, code) = code(app.oneshot(plain(path, "localhost")).await.unwrap()).await;
        assert_eq!((status, code), (404, "tenant_not_found".into()), "{path}");
    }
}

#[tokio::test]
async fn a_router_without_the_layer_fails_and_the_log_names_the_fix() {
    for path in ["/tenant", "/scope", "/maybe"] {
        let response = extracting().oneshot(plain(path, "acme.localhost")).await.unwrap();
        let problem = response.extensions().get::<saas_core::Problem>().unwrap();
        let mut cause: &dyn std::error::Error = problem;
        while let Some(source) = cause.source() {
            cause = source;
        }
        assert!(cause.to_string().contains("add `TenantLayer` to this router"), "{cause}");
        assert_eq!(code(response).await, (500, "internal".into()), "{path}");
    }
}

#[tokio::test]
async fn inside_another_layer_the_scope_stays_and_a_second_tenant_is_refused() {
    let sources = Resolvers::new(Authentication::WithMembership).path();
    let outer = TenantLayer::new(Arc::new(FixedStore::new()), sources, Clock::system());
    let actor = |Extension(scope): Extension<Scope>| async move { scope.actor().to_string() };
    let inner = Router::new()
        .route("/whoami", routing::get(actor))
        .layer(layer(Presence::Required))
        .layer(middleware::map_request(sign_in));
    let app = outer.layer(inner);
    for (path, host, expected) in [
        ("/t/acme/whoami", "localhost", Some("system (signed in)")),
        ("/t/acme/whoami", "acme.localhost", Some("system (signed in)")),
        ("/t/acme/whoami", "globex.localhost", None),
    ] {
        let response = app.clone().oneshot(plain(path, host)).await.unwrap();
        match expected {
            Some(actor) => {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(body, actor, "{host}{path}");
            }
            None => assert_eq!(code(response).await, (400, "tenant_conflict".to_owned())),
        }
    }
}

#[tokio::test]
async fn a_scope_does_not_outlive_its_tenant() {
    let app = App::with(resolvers(), Presence::Optional);
    let clock = Clock::system();
    let acme = Scope::new(app.store.id("acme"), Actor::Anonymous, RequestId::generate(&clock));
    let (status, body) = app.send(get("/", "localhost").extension(acme)).await;
    assert_eq!((status, &body["scope"]), (StatusCode::OK, &().into()));
}

#[tokio::test]
async fn a_scope_of_another_tenant_is_refused() {
    let app = App::new();
    let clock = Clock::system();
    let globex = Scope::new(app.store.id("globex"), Actor::Anonymous, RequestId::generate(&clock));
    let answer = app.ask(get("/", "acme.localhost").extension(globex)).await;
    assert_eq!(answer, (400, "tenant_conflict".to_owned()));
}

#[tokio::test]
async fn a_refusal_carries_the_request_id_of_the_outermost_layer() {
    let app = Router::new()
        .fallback(|| async { "never reached" })
        .layer(layer(Presence::Required))
        .layer(ProblemLayer::new(Clock::system()));
    let response = app.oneshot(plain("/", "nobody.localhost")).await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["request_id"], id);
}

#[tokio::test]
async fn programs_find_tenants_by_slug_and_by_id() {
    let store = FixedStore::new();
    let dynamic: &dyn TenantStore = &store;
    let acme = ResolvedTenant::by_slug(dynamic, &"acme".parse().unwrap()).await.unwrap();
    assert_eq!((acme.id, acme.source()), (store.id("acme"), None));
    let half_made = ResolvedTenant::by_slug(dynamic, &"halfmade".parse().unwrap()).await;
    assert!(matches!(half_made, Err(TenancyError::NotFound)));
    let half_made = ResolvedTenant::by_id(dynamic, store.id("halfmade")).await.unwrap();
    assert_eq!(half_made.slug.as_str(), "halfmade");
}

/// What an authentication layer does between two tenant layers.
async fn sign_in(mut request: Request<Body>) -> Request<Body> {
    let scope = request.extensions_mut().remove::<Scope>().unwrap();
    request.extensions_mut().insert(scope.acting_as(Actor::system("signed in")));
    request
}

fn layer(presence: Presence) -> TenantLayer {
    let store = Arc::new(FixedStore::new());
    TenantLayer::new(store, resolvers(), Clock::system()).with_presence(presence)
}

fn extracting() -> Router {
    Router::new()
        .route("/tenant", routing::get(|tenant: ResolvedTenant| async move { tenant.name.clone() }))
        .route("/scope", routing::get(|scope: Scope| async move { scope.tenant().to_string() }))
        .route("/maybe", routing::get(|_: Option<ResolvedTenant>| async { "reached" }))
}

fn plain(path: &str, host: &str) -> Request<Body> {
    get(path, host).body(Body::empty()).unwrap()
}

async fn code(response: http::Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}
