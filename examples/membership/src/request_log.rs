//! One line and two metrics a request: who was asked, for what, how it ended and how long it took.
//!
//! Changes are logged at `info`, reads at `debug`. Bodies, query strings and addresses of people
//! are not logged. Metrics are labelled by route template, never by tenant or path, so that their
//! number is bounded.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;
use saas_core::{Clock, RequestId};
use tracing::{Instrument, Span, field};

/// The template of the route that answered, for the log. `Router::layer` knows it, layers outside
/// of the router do not.
#[derive(Debug, Clone)]
struct Route(MatchedPath);

/// Logs and counts requests. Goes outside of everything but the layer that makes the request id.
pub async fn record(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let span = tracing::info_span!(
        "request",
        request.id = request.extensions().get::<RequestId>().map(field::display),
        %method,
        route = field::Empty,
        tenant.id = field::Empty,
    );
    let begun = clock.monotonic();
    let response = next.run(request).instrument(span.clone()).await;
    let duration = clock.monotonic().saturating_sub(begun);
    let status = response.status().as_u16();
    let route = response.extensions().get::<Route>();
    let route = route.map_or("none", |route| route.0.as_str()).to_owned();
    span.in_scope(|| {
        let duration_ms = duration.as_secs_f64() * 1000.0;
        if method.is_safe() {
            tracing::debug!(status, duration_ms, "answered");
        } else {
            tracing::info!(status, duration_ms, "answered");
        }
    });
    let method = label(&method);
    metrics::counter!(
        "http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.to_string(),
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
        .record(duration.as_secs_f64());
    response
}

/// Tells [`record`] which route a request came to. Goes inside of the router that matches.
pub async fn note_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    // The router's fallback, which answers 404, has no route.
    let Some(path) = path else { return next.run(request).await };
    Span::current().record("route", path.as_str());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Route(path));
    response
}

/// Clients can make methods up; labels must not grow with them.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
