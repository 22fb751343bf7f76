//! The routes and what is around them, by host, path and method.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use http::Request;
use membership::app::BODY_LIMIT;
use saas_tenancy::{Isolation, Status, store::TenantChange};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{App, document::Document};

/// `acme`, `globex` and the suspended `hooli`, each asked by its owner.
struct Club(App);

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Club {
    async fn start() -> Self {
        let app = App::new().await;
        app.add_tenant("globex", Isolation::Shared).await;
        let hooli = app.tenant("hooli").await.id;
        let change = TenantChange { status: Some(Status::Suspended), ..TenantChange::default() };
        app.world().store.update(hooli, change, None).await.unwrap();
        Self(app)
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
        let response = self.0.router().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 4 * BODY_LIMIT).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, host: &str, path: &str) -> Answer {
        self.ask("GET", host, path, None).await
    }
}

#[tokio::test]
async fn every_path_takes_exactly_the_methods_of_the_document() {
    let app = Club::start().await;
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in Document::new(json!({})).all_operations() {
        listed.entry(one.path.clone()).or_default().insert(one.method.clone());
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
    let app = Club::start().await;
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
    let app = Club::start().await;
    let by_host = app.get("acme.localhost:8080", "/api/v1/tenant").await;
    let by_path = app.get("localhost:8080", "/t/acme/api/v1/tenant").await;
    assert_eq!((by_host.status, &by_host.body["slug"]), (200, &json!("acme")));
    assert_eq!(by_host.body, by_path.body);
}

#[tokio::test]
async fn a_tenant_route_without_a_tenant_looks_like_one_with_an_unknown_tenant() {
    let app = Club::start().await;
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
async fn without_a_tenant_no_route_of_a_tenant_exists() {
    let app = Club::start().await;
    let document = Document::new(json!({}));
    for one in document.operations().iter().filter(|one| one.is_of_tenant()) {
        let answer = app.ask(&one.method, "localhost", &one.path, Some(json!(1))).await;
        let told = (answer.status, answer.body["code"].as_str());
        assert_eq!(told, (404, Some("tenant_not_found")), "{} {}", one.method, one.path);
    }
}

#[tokio::test]
async fn what_is_at_no_address_is_not_found() {
    let app = Club::start().await;
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
    let answer = Club::start().await.get("hooli.localhost", "/api/v1/tenant").await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("tenant_suspended")));
}

#[tokio::test]
async fn probes_and_pages_answer_on_every_host() {
    let app = Club::start().await;
    for host in ["localhost", "acme.localhost", "nobody.localhost", "10.0.0.7", "pod.internal"] {
        assert_eq!(app.get(host, "/healthz").await.status, 200, "{host}");
        assert_eq!(app.get(host, "/readyz").await.status, 200, "{host}");
        assert_eq!(app.get(host, "/api/openapi.json").await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    let app = Club::start().await;
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
    let app = Club::start().await;
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
    assert_eq!(other.body["name"], "a tenant");
}

#[tokio::test]
async fn branding_and_settings_do_not_overwrite_each_other() {
    let app = Club::start().await;
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
    let app = Club::start().await;
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
    let app = Club::start().await;
    let body = Some(json!({ "name": "a".repeat(BODY_LIMIT) }));
    let answer = app.ask("POST", "acme.localhost", "/api/v1/tenant/domains", body).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("payload_too_large")));
}
