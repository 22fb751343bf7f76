//! The application: every layer and every route, in the order in which a request meets them.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use saas_core::{Clock, Problem, problem::ProblemLayer};
use saas_rbac::rules::{RouteRules, RuleError};
use saas_tenancy::{Presence, TenantLayer, resolve::Resolvers};
use tower::{Layer, ServiceBuilder};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::openapi::OpenApi;

use crate::{access::ApiRouter, audit_log, openapi, request_log, routes, state::AppState};

/// How long a request may take until its answer begins.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest body of a request, in bytes. Imports have a limit of their own.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The router with all its layers.
///
/// # Errors
/// [`RuleError`] when a route's rule does not fit; see [`ApiRouter::build`].
pub fn router(state: AppState, resolvers: Resolvers) -> Result<Router, RuleError> {
    let Routes { pages, tenants, document, .. } = Routes::build(&state.clock)?;
    let tenants = tenants
        // Who was refused, and from where; inside of it the rule of each route.
        .layer(middleware::from_fn_with_state(state.clone(), audit_log::watch))
        .layer(middleware::from_fn(request_log::note_route))
        .with_state(state.clone());
    // Who asks, by token, key or cookie, in the tenant that was found. Inside: the rule of each
    // route, then the handler.
    let tenants = state.identity.layer().layer(tenants);
    // The path form `/t/{slug}/…` is rewritten before the routes are matched: this wraps the router.
    let tenants = TenantLayer::new(state.store.clone(), resolvers, state.clock.clone())
        .with_presence(Presence::Optional)
        .layer(tenants);
    Ok(pages
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
        ))
}

/// The OpenAPI document of the router.
///
/// # Errors
/// As [`router`].
pub fn document() -> Result<OpenApi, RuleError> {
    Ok(Routes::build(&Clock::system())?.document)
}

/// What every route asks for.
///
/// # Errors
/// As [`router`].
pub fn rules() -> Result<RouteRules, RuleError> {
    Ok(Routes::build(&Clock::system())?.rules)
}

/// All routes, each guarded by its rule.
struct Routes {
    /// What answers on every host.
    pages: Router<AppState>,
    /// What knows of tenants and of who asks.
    tenants: Router<AppState>,
    rules: RouteRules,
    document: OpenApi,
}

impl Routes {
    fn build(clock: &Clock) -> Result<Self, RuleError> {
        let api = ApiRouter::new()
            .merge(routes::tenant::router())
            .merge(routes::members::router())
            .merge(routes::membership_types::router())
            .merge(routes::team::router())
            .merge(routes::invitations::router())
            .merge(routes::roles::router())
            .merge(routes::authz::router())
            .merge(routes::api_keys::router())
            .merge(routes::audit::router())
            // Without a tenant these do not exist.
            .of_tenant()
            .merge(routes::tenants::router())
            .merge(routes::auth::router())
            .merge(routes::me::router())
            .merge(routes::invitations::acceptance())
            .merge(ApiRouter::new().merge(routes::admin::router()).outside_tenants())
            .merge(routes::dev::router())
            .build("/api/v1", clock)?;
        // Probes come by address or by any name, so no tenant is looked for. Keys are for everybody.
        let pages = ApiRouter::new()
            .merge(routes::health::router())
            .merge(routes::well_known::router())
            .build("", clock)?;
        let rules = api.rules.merge(pages.rules)?;
        let mut document = openapi::head();
        document.merge(api.document);
        document.merge(pages.document);
        openapi::complete(&mut document, &rules);
        Ok(Self { pages: pages.router, tenants: api.router, rules, document })
    }
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
