//! What the layer around the routes is for, shown by what happens without it and at its gate.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body};
use http::Request;
use membership::routes;
use saas_core::{Clock, Problem, problem::ProblemLayer};
use saas_tenancy::{Status, TenantStore, store::TenantChange};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

use crate::app::{
    App,
    document::{Document, Operation},
    owners,
    process::Process,
    rows::Rows,
    send,
};

/// The routes of members, and nothing around them.
fn bare(app: &App) -> Router {
    let routes = routes::members::router().build("", &app.clock).unwrap();
    routes.router.with_state(app.state())
}

fn of_members(operation: &Operation) -> bool {
    operation.path == "/api/v1/members" || operation.path.starts_with("/api/v1/members/")
}

fn request(method: &str, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    request.header("if-match", "*").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn routes_without_the_layer_that_authenticates_answer_nobody_and_name_the_fix() {
    let app = App::new().await;
    let document = Document::new(json!({}));
    let mut asked = 0;
    for operation in document.operations().iter().filter(|one| of_members(one)) {
        let path = operation.path.strip_prefix("/api/v1").unwrap();
        let path = path.replace("{id}", "00000000-0000-0000-0000-000000000007");
        let source = failure(bare(&app), request(&operation.method, &path)).await;
        let fix = "add the layer that authenticates";
        assert!(source.contains(fix), "{} {path}: {source}", operation.method);
        asked += 1;
    }
    assert!(asked >= 8, "{asked}");
}

/// Why the server failed: it must have.
async fn failure(router: Router, request: Request<Body>) -> String {
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    let problem = answer.extensions().get::<Problem>().unwrap();
    std::error::Error::source(problem).unwrap().to_string()
}

#[tokio::test]
async fn the_layer_that_authenticates_lets_nobody_pass_without_the_tenant_layer() {
    let app = App::new().await;
    let routes = Router::new().fallback_service(app.identity().layer().layer(bare(&app)));
    let owner = app.owners().of("acme").unwrap();
    let token = owners::token(app.identity(), owner.user, owner.session, Some(owner.tenant));
    let mut with_token = request("GET", "/members");
    let value = format!("Bearer {token}").parse().unwrap();
    with_token.headers_mut().insert("authorization", value);
    for request in [with_token, request("GET", "/members")] {
        let source = failure(routes.clone(), request).await;
        assert!(source.contains("put `TenantLayer` around"), "{source}");
    }
}

#[tokio::test]
async fn the_log_names_the_missing_layer_and_the_answer_does_not() {
    let app = App::new().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let router = bare(&app).layer(ProblemLayer::new(Clock::system()));
    let (status, _, body) = send(router, request("GET", "/members")).await;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 500);
    assert!(!body.contains("layer") && !body.contains("router"), "{body}");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let fix = "add the layer that authenticates to this router";
    assert!(log.contains("ERROR") && log.contains(fix), "{log}");
}

/// What is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Asks every operation of a tenant in turn, with a sample that would be taken, and tells what came
/// of it: the operation, the status and the code.
async fn ask_all(app: &App, slug: &str) -> Vec<(Operation, u16, Value)> {
    let document = Document::new(json!({}));
    let mut answers = Vec::new();
    for operation in document.operations().iter().filter(|one| one.is_of_tenant()) {
        let target = operation.target(slug, "00000000-0000-0000-0000-000000000007");
        let mut request = request(&operation.method, &target);
        if let Some(body) = &operation.body {
            request.headers_mut().insert("content-type", body.media_type.parse().unwrap());
            let sample = document.sample(&body.schema, &[]);
            *request.body_mut() = Body::from(sample.to_string());
        }
        let (status, headers, body) = app.send(request).await;
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if body["request_id"] == headers["x-request-id"].to_str().unwrap() {
            body["request_id"] = Value::Null;
        }
        answers.push((operation.clone(), status.as_u16(), body));
    }
    assert!(answers.len() >= 20, "{}", answers.len());
    answers
}

async fn set_status(app: &App, slug: &str, status: Status) {
    let tenant = app.tenant(slug).await;
    let change = TenantChange { status: Some(status), ..TenantChange::default() };
    app.world().store.update(tenant.id, change, None).await.unwrap();
}

#[tokio::test]
async fn every_route_of_a_tenant_that_is_not_served_is_closed_behind_every_wall() {
    let app = App::with_all_isolations().await;
    let tenants = ["acme", "globex", "initech"];
    let mut resolved = Vec::new();
    for tenant in tenants {
        let kind = app.add_type(tenant, "Gold").await;
        app.add_member(tenant, &kind, 1).await;
        resolved.push(app.tenant(tenant).await);
    }
    let never = ask_all(&app, "never-was").await;
    for (tenant, status) in tenants.iter().flat_map(|tenant| {
        [Status::Suspended, Status::Cancelled, Status::Paused, Status::Deleting]
            .map(|status| (*tenant, status))
    }) {
        set_status(&app, tenant, status).await;
        let mut rows = Rows::of(app.world(), &resolved).await;
        let before = rows.fingerprint().await;
        let answers = ask_all(&app, tenant).await;
        for ((operation, answer, body), (_, absent, of_absent)) in answers.iter().zip(&never) {
            let what = format!("{status} {tenant}: {} {}", operation.method, operation.path);
            let code = body["code"].as_str().unwrap_or_default();
            match status {
                Status::Paused if operation.is_safe() => {
                    assert!([200, 404].contains(answer) && code != "tenant_not_found", "{what}");
                }
                Status::Paused => assert_eq!((*answer, code), (403, "tenant_read_only"), "{what}"),
                Status::Deleting => assert_eq!((answer, body), (absent, of_absent), "{what}"),
                _ => assert_eq!((*answer, code), (403, "tenant_suspended"), "{what}"),
            }
        }
        assert_eq!(rows.fingerprint().await, before, "{status} {tenant}");
        set_status(&app, tenant, Status::Active).await;
        let (status, ..) = app.request("GET", "/members", tenant, Value::Null).await;
        assert_eq!(status, 200, "{tenant} is served again");
    }
    assert!(never.iter().all(|(_, status, body)| {
        (*status, &body["code"]) == (404, &json!("tenant_not_found"))
    }));
}

#[tokio::test]
async fn a_suspension_in_one_process_holds_in_another_within_a_second() {
    let app = App::new().await;
    let (here, there) = (Process::start(&app).await, Process::start(&app).await);
    let acme = app.tenant("acme").await;
    let path = "/t/acme/api/v1/members";
    for (status, answer) in [
        (Status::Suspended, 403),
        (Status::Active, 200),
        (Status::Deleting, 404),
        (Status::Active, 200),
    ] {
        if answer != 200 {
            // Both answer from memory, so that only a word from the other can change it.
            here.remember("acme").await;
            there.remember("acme").await;
        }
        let change = TenantChange { status: Some(status), ..TenantChange::default() };
        here.store.update(acme.id, change, None).await.unwrap();
        assert_eq!(here.status(path).await, answer, "at once where it was done");
        there.looks_until(path, answer).await;
        assert_eq!(there.status("/t/hooli/api/v1/members").await, 200, "others are served");
    }
}
