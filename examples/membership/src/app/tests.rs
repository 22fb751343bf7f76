use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::body::{Body, to_bytes};
use chrono::{TimeZone, Utc};
use http::Request;
use saas_core::{Clock, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ServerId, Status, TenantStore,
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    provision::Provisioner,
    resolve::{Authentication, BaseDomains},
    store::{MemoryTenantStore, TenantChange},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::boot::migrations::TENANT_PLANE;

/// Routes that the document leaves out: pages for people.
const PAGES: [&str; 3] = ["/api/docs", "/api/docs/", "/api/docs/{*file}"];

struct TestApp(Router);

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl TestApp {
    /// Serves `acme`, `globex` and the suspended `hooli` from memory. There is no database.
    async fn start() -> Self {
        let (clock, _hand) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap());
        let store: Arc<dyn TenantStore> = Arc::new(MemoryTenantStore::new(clock.clone()));
        for (slug, status) in
            [("acme", Status::Active), ("globex", Status::Active), ("hooli", Status::Suspended)]
        {
            let id = TenantId::generate(&clock);
            let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
            store.insert(new).await.unwrap();
            store.mark_ready(id).await.unwrap();
            let change = TenantChange { status: Some(status), ..TenantChange::default() };
            store.update(id, change, None).await.unwrap();
        }
        Self(router(state(clock, store), resolvers()))
    }

    async fn ask(&self, method: &str, host: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask_with(method, host, path, body, &[]).await
    }

    async fn ask_with(
        &self,
        method: &str,
        host: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or(Body::empty(), |body| {
            request = std::mem::take(&mut request).header("content-type", "application/json");
            Body::from(body.to_string())
        });
        let response = self.0.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 4 * BODY_LIMIT).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, host: &str, path: &str) -> Answer {
        self.ask("GET", host, path, None).await
    }
}

fn state(clock: Clock, store: Arc<dyn TenantStore>) -> AppState {
    let url = "postgres://saas_app:x@127.0.0.1:1/app".to_owned().into();
    let address = ServerAddress::new(ServerId::generate(&clock), &url).unwrap();
    let provisioner = Provisioner::new(store.clone(), address.clone(), TENANT_PLANE).into();
    let databases = TenantDatabases::new(&DatabaseOptions::new(), address, [], clock.clone());
    let public_url = "http://localhost:8080".parse().unwrap();
    AppState { clock, databases, store, provisioner, public_url }
}

fn resolvers() -> Resolvers {
    let bases = BaseDomains::new(["localhost"]).unwrap();
    Resolvers::new(Authentication::Absent).subdomain(&bases).custom_domain(&bases).path()
}

/// The paths of a router, by axum's own account of it.
fn paths_of(router: &Router<AppState>) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let marker = "RouteId(";
    let entries = text.split(marker).skip(1).filter_map(|rest| {
        let (_, after) = rest.split_once("): \"")?;
        let (path, _) = after.split_once('"')?;
        rest.find("): \"").filter(|at| *at < 12).map(|_| path.to_owned())
    });
    // The fallback, which answers 404, stands there as `/`.
    entries.filter(|path| path != "/" && !path.contains("__private__axum_")).collect()
}

#[test]
fn the_document_lists_exactly_the_paths_that_are_served() {
    let (pages, tenants, document) = routes();
    let docs: Router<AppState> = routes::docs::router(&document);
    let mut served = paths_of(&pages);
    served.extend(paths_of(&tenants));
    served.extend(paths_of(&docs));
    assert!(served.contains("/api/v1/tenant"), "axum writes its paths in another way: {served:?}");
    for page in PAGES.into_iter().chain([routes::docs::DOCUMENT]) {
        assert!(served.remove(page), "`{page}` is not served");
    }
    let listed: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
    assert_eq!(served, listed);
}

#[tokio::test]
async fn every_path_takes_exactly_the_methods_of_the_document() {
    let app = TestApp::start().await;
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut document = document();
    for (path, item) in &mut document.paths.paths {
        let methods = listed.entry(path.clone()).or_default();
        methods.extend(openapi::operations(item).map(|(method, _)| method.to_owned()));
    }
    for (path, methods) in listed {
        let path = path.replace("{id}", "018f4d3c-0000-7000-8000-00000000002a");
        // A method that no route takes is told what the path takes.
        let answer = app.ask("PROPFIND", "acme.localhost", &path, None).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.headers["allow"].to_str().unwrap();
        let allowed = allowed.split(',').map(str::trim).filter(|it| *it != "HEAD");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_served_and_is_openapi_3_1() {
    let app = TestApp::start().await;
    let document = app.get("localhost", "/api/openapi.json").await;
    assert_eq!(document.status, 200);
    assert!(document.body["openapi"].as_str().unwrap().starts_with("3.1."));
    let problem = &document.body["paths"]["/api/v1/tenant"]["get"]["responses"]["default"];
    assert_eq!(problem, &json!({ "$ref": "#/components/responses/Problem" }));
    let page = app.get("localhost", "/api/docs/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_tenant_is_read_by_its_host_and_by_the_path_form() {
    let app = TestApp::start().await;
    let by_host = app.get("acme.localhost:8080", "/api/v1/tenant").await;
    let by_path = app.get("localhost:8080", "/t/acme/api/v1/tenant").await;
    assert_eq!((by_host.status, &by_host.body["slug"]), (200, &json!("acme")));
    assert_eq!(by_host.body, by_path.body);
}

#[tokio::test]
async fn a_tenant_route_without_a_tenant_looks_like_one_with_an_unknown_tenant() {
    let app = TestApp::start().await;
    for (host, path) in [
        ("localhost", "/api/v1/tenant"),
        ("127.0.0.1:8080", "/api/v1/tenant"),
        ("nobody.localhost", "/api/v1/tenant"),
        ("localhost", "/t/nobody/api/v1/tenant"),
    ] {
        let answer = app.get(host, path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("tenant_not_found")));
    }
}

#[tokio::test]
async fn without_a_tenant_every_route_but_sign_up_does_not_exist() {
    let app = TestApp::start().await;
    let mut document = document();
    for (path, item) in &mut document.paths.paths {
        let public = !path.starts_with("/api/v1/") || path == "/api/v1/tenants";
        for (method, _) in openapi::operations(item).filter(|_| !public) {
            let answer = app.ask(method, "localhost", path, Some(json!(1))).await;
            let told = (answer.status, answer.body["code"].as_str());
            assert_eq!(told, (404, Some("tenant_not_found")), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_is_at_no_address_is_not_found() {
    let app = TestApp::start().await;
    for (host, path) in [
        ("localhost", "/"),
        ("localhost", "/api/v1/nothing"),
        ("acme.localhost", "/api/v1/nothing"),
        ("localhost", "/t/acme/api/v1/nothing"),
        ("localhost", "/api/docs/nothing.js"),
    ] {
        let answer = app.get(host, path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{path}");
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_and_told_so() {
    let answer = TestApp::start().await.get("hooli.localhost", "/api/v1/tenant").await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("tenant_suspended")));
}

#[tokio::test]
async fn probes_and_pages_answer_on_every_host() {
    let app = TestApp::start().await;
    for host in ["localhost", "acme.localhost", "nobody.localhost", "10.0.0.7", "pod.internal"] {
        assert_eq!(app.get(host, "/healthz").await.status, 200, "{host}");
        assert_eq!(app.get(host, "/readyz").await.status, 200, "{host}");
        assert_eq!(app.get(host, "/api/openapi.json").await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    let app = TestApp::start().await;
    for path in ["/api/v1/tenant", "/api/v1/nothing", "/healthz", "/nothing"] {
        let headers = app.get("acme.localhost", path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn settings_change_only_from_the_version_that_was_read() {
    let app = TestApp::start().await;
    let path = "/api/v1/tenant";
    let read = app.get("acme.localhost", path).await;
    let tag = read.headers["etag"].to_str().unwrap();
    let body = json!({
        "name": " Acme ", "settings": { "time_zone": "Europe/Berlin", "currency": "CHF" },
    });
    let put = async |headers: &[(&str, &str)], body: &Value| {
        app.ask_with("PUT", "acme.localhost", path, Some(body.clone()), headers).await
    };
    assert_eq!(put(&[], &body).await.status, 428);
    let changed = put(&[("if-match", tag)], &body).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Acme")));
    assert_ne!(changed.headers["etag"], tag);
    assert_eq!(put(&[("if-match", tag)], &body).await.status, 412);
    let mut wrong = body.clone();
    wrong["settings"] = json!({ "time_zone": "Mars/Olympus", "currency": "eur" });
    let refused = put(&[("if-match", "*")], &wrong).await;
    assert_eq!((refused.status, refused.body["errors"].as_array().unwrap().len()), (422, 2));
    wrong["unknown"] = json!(1);
    assert_eq!(put(&[("if-match", "*")], &wrong).await.status, 422);
    let other = app.get("globex.localhost", path).await;
    assert_eq!(other.body["name"], "globex");
}

#[tokio::test]
async fn branding_and_settings_do_not_overwrite_each_other() {
    let app = TestApp::start().await;
    let branding = json!({ "color": "#1a7f5a", "logo_url": null });
    let headers = [("if-match", "*")];
    let path = "/api/v1/tenant/branding";
    let put = app.ask_with("PUT", "acme.localhost", path, Some(branding.clone()), &headers).await;
    assert_eq!((put.status, &put.body), (200, &branding));
    let body = json!({ "name": "Acme", "settings": { "time_zone": "UTC", "currency": "EUR" } });
    let put = app.ask_with("PUT", "acme.localhost", "/api/v1/tenant", Some(body), &headers).await;
    assert_eq!(put.status, 200);
    assert_eq!(app.get("acme.localhost", path).await.body, branding);
}

#[tokio::test]
async fn a_domain_of_another_tenant_is_like_an_absent_one() {
    let app = TestApp::start().await;
    let path = "/api/v1/tenant/domains";
    let body = Some(json!({ "name": "Members.Acme.example." }));
    let claimed = app.ask("POST", "acme.localhost", path, body).await;
    assert_eq!((claimed.status, &claimed.body["verified_at"]), (201, &Value::Null));
    assert_eq!(claimed.body["record"]["name"], "_saas-verify.members.acme.example");
    let location = claimed.headers["location"].to_str().unwrap();
    let unverified = app.get("members.acme.example", "/api/v1/tenant").await;
    assert_eq!(unverified.status, 404, "a claim without proof leads to the tenant");
    let absent = format!("{path}/018f4d3c-0000-7000-8000-00000000002a");
    for path in [location, &absent, "/api/v1/tenant/domains/x"] {
        let answer = app.ask("DELETE", "globex.localhost", path, None).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")));
    }
    assert_eq!(app.ask("DELETE", "acme.localhost", location, None).await.status, 204);
    let left = app.get("acme.localhost", path).await;
    assert_eq!(left.body, json!({ "domains": [] }));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let app = TestApp::start().await;
    let body = Some(json!({ "name": "a".repeat(BODY_LIMIT) }));
    let answer = app.ask("POST", "acme.localhost", "/api/v1/tenant/domains", body).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("payload_too_large")));
}

#[tokio::test]
async fn a_panic_costs_one_request_and_does_not_tell_its_text() {
    let answer = panicked(&"hunter2");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = to_bytes(answer.into_body(), 4096).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
}
