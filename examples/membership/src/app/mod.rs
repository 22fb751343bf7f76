//! The application: every layer and every route, in the order in which a request meets them.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use saas_core::{Problem, problem::ProblemLayer};
use saas_tenancy::{Presence, ResolvedTenant, TenancyError, TenantLayer, resolve::Resolvers};
use tower::{Layer, ServiceBuilder};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{openapi, request_log, routes, state::AppState};

/// How long a request may take until its answer begins.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest body of a request, in bytes. Imports have a limit of their own.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The router with all its layers.
pub fn router(state: AppState, resolvers: Resolvers) -> Router {
    let (pages, tenants, document) = routes();
    let tenants =
        tenants.layer(middleware::from_fn(request_log::note_route)).with_state(state.clone());
    // The path form `/t/{slug}/…` is rewritten before the routes are matched: this wraps the router.
    let tenants = TenantLayer::new(state.store.clone(), resolvers, state.clock.clone())
        .with_presence(Presence::Optional)
        .layer(tenants);
    pages
        .merge(routes::docs::router(&document))
        .layer(middleware::from_fn(request_log::note_route))
        .with_state(state.clone())
        .fallback_service(tenants)
        .layer(
            ServiceBuilder::new()
                // What browsers must not do with any of our answers.
                .layer(middleware::map_response(secure))
                // The request gets its id; every error leaves as a problem document with it.
                .layer(ProblemLayer::new(state.clock.clone()))
                // One line of log and two metrics, whatever happens further in.
                .layer(middleware::from_fn_with_state(state.clock, request_log::record))
                // A bug in a handler costs one request, not the process.
                .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panicked(&*panic)))
                // Nobody waits for ever, and nothing is held for a client who has left.
                .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
                // Bodies are read up to this many bytes; a route may set its own limit.
                .layer(DefaultBodyLimit::max(BODY_LIMIT)),
        )
}

/// The OpenAPI document of the router.
#[must_use]
pub fn document() -> OpenApi {
    routes().2
}

/// The pages that answer on every host, the routes that know of tenants, and the document of both.
fn routes() -> (Router<AppState>, Router<AppState>, OpenApi) {
    let of_tenant = OpenApiRouter::new()
        .merge(routes::tenant::router())
        .merge(routes::members::router())
        .merge(routes::membership_types::router())
        // Without a tenant these do not exist. Inside: permissions, then the handler.
        .route_layer(middleware::from_fn(require_tenant));
    let api =
        OpenApiRouter::new().nest("/api/v1", of_tenant).nest("/api/v1", routes::tenants::router());
    let (tenants, api) = api.split_for_parts();
    // Probes come by address or by any name, so no tenant is looked for.
    let (pages, mut document) = OpenApiRouter::with_openapi(openapi::head())
        .merge(routes::health::router())
        .split_for_parts();
    document.merge(api);
    openapi::complete(&mut document);
    (pages, tenants, document)
}

/// Refuses a request that names no tenant as if there were nothing at its address.
async fn require_tenant(
    tenant: Option<ResolvedTenant>,
    request: Request,
    next: Next,
) -> Result<Response, TenancyError> {
    if tenant.is_none() {
        return Err(TenancyError::NotFound);
    }
    Ok(next.run(request).await)
}

/// Headers that switch off what browsers do by default. A page may loosen its own policy.
async fn secure(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The answer in place of the one that a panic ate. The text is logged, not sent.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Problem::internal(text.unwrap_or_else(|| "a handler panicked".to_owned())).into_response()
}

#[cfg(test)]
mod tests;
