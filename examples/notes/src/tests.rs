//! The program of the tutorial does what the tutorial says.

#![expect(clippy::disallowed_types, reason = "the probe runs on a superuser's connection")]

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use saas_tenancy::{check, embedded::EmbeddedPostgres, migrate::Target};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tower::ServiceExt;

use crate::{routes, setup};

// ANCHOR: isolation
#[tokio::test]
async fn each_tenant_reads_its_own_notes_only() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    let app = routes::app(setup::prepare(&server).await.unwrap()).unwrap();
    let ask = async |method: &str, path: &str, host: &str, body: &'static str| {
        let request = Request::builder().method(method).uri(path).header("host", host);
        let request = request.body(Body::from(body)).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.into()).unwrap())
    };

    for (host, body) in [("acme.localhost", "of acme"), ("globex.localhost", "of globex")] {
        assert_eq!(ask("POST", "/notes", host, body).await.0, StatusCode::CREATED);
    }
    assert_eq!(ask("GET", "/notes", "acme.localhost", "").await.1, r#"["of acme"]"#);
    assert_eq!(ask("GET", "/notes", "globex.localhost:8080", "").await.1, r#"["of globex"]"#);
    assert_eq!(ask("GET", "/t/globex/notes", "localhost", "").await.1, r#"["of globex"]"#);

    // Neither a stranger nor two names at once get anywhere.
    let (status, problem) = ask("GET", "/notes", "initech.localhost", "").await;
    assert_eq!((status, problem.contains("tenant_not_found")), (StatusCode::NOT_FOUND, true));
    let (status, problem) = ask("GET", "/t/globex/notes", "acme.localhost", "").await;
    assert_eq!((status, problem.contains("tenant_conflict")), (StatusCode::BAD_REQUEST, true));
    server.stop().await.unwrap();
}
// ANCHOR_END: isolation

// ANCHOR: probe
#[tokio::test]
async fn no_table_lets_one_tenant_reach_another() {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    setup::prepare(&server).await.unwrap();
    let mut conn = PgConnection::connect(server.superuser_url().expose_secret()).await.unwrap();
    let probe = check::probe(&mut conn, Target::Shared).await.unwrap();
    assert_eq!((probe.crossed, probe.unverified), (vec![], vec![]));
    assert!(!probe.held.is_empty(), "there was no table to try it on");
    server.stop().await.unwrap();
}
// ANCHOR_END: probe
