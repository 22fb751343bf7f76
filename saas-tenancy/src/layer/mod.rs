//! Every request gets its tenant, or an answer that says why not.
//!
//! 1. The layer [resolves](crate::resolve) the tenant, checks its [`Status`](crate::Status) and
//!    puts a [`ResolvedTenant`](crate::ResolvedTenant) and a [`Scope`](saas_core::Scope) into the
//!    request's extensions, where the extractors of the same names read them.
//! 2. A tenant that is suspended or cancelled is answered 403, a paused one on every method that
//!    may change something; one that is being deleted is 404, like one that never was.
//! 3. The scope's actor is anonymous until authentication replaces it. An inner layer keeps the
//!    scope of an outer one, and refuses a request that names another tenant than the outer one.
//! 4. The prefix of the path form is stripped; the target as the client sent it stays in the
//!    extensions as [`ClientUri`].
//! 5. Every request counts in `saas_requests_total{outcome, isolation}`. The tenant's id goes to
//!    the span field `tenant.id`: of the current span if it declares the field, else of a span
//!    called `tenant`. It is never a metric's label.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::get};
//! use saas_core::Clock;
//! use saas_tenancy::{
//!     ResolvedTenant, Tenancy, TenantLayer, TenantStore,
//!     resolve::{Authentication, BaseDomains, ChainError, Resolvers},
//! };
//! use tower::Layer;
//!
//! async fn hello(tenant: ResolvedTenant) -> String {
//!     format!("welcome to {}", tenant.name)
//! }
//!
//! fn app(store: Arc<dyn TenantStore>) -> Result<Tenancy<Router>, ChainError> {
//!     let bases = BaseDomains::new(["localhost"])?;
//!     let resolvers = Resolvers::new(Authentication::Absent).subdomain(&bases).path();
//!     let layer = TenantLayer::new(store, resolvers, Clock::system());
//!     Ok(layer.layer(Router::new().route("/hello", get(hello))))
//! }
//! ```
//!
//! **Deployment caveat.** The path form needs the layer around the whole router, as above:
//! `Router::layer` runs behind the choice of the route, when it is too late to strip a prefix.

use std::sync::Arc;

use http::Uri;
use saas_core::Clock;
use tower_layer::Layer;

use crate::{resolve::Resolvers, store::TenantStore};

mod extract;
mod service;
mod telemetry;

pub use service::Tenancy;

/// Ties every request to its tenant. See the module docs for the rules.
#[derive(Debug, Clone)]
#[must_use]
pub struct TenantLayer {
    store: Arc<dyn TenantStore>,
    resolvers: Resolvers,
    clock: Clock,
    presence: Presence,
}

impl TenantLayer {
    /// Looks tenants up in `store` by what `resolvers` find, and requires one.
    ///
    /// `clock` stamps the ids of requests that come without one, that is outside of
    /// [`ProblemLayer`](saas_core::problem::ProblemLayer).
    pub const fn new(store: Arc<dyn TenantStore>, resolvers: Resolvers, clock: Clock) -> Self {
        Self { store, resolvers, clock, presence: Presence::Required }
    }

    /// Says what becomes of requests that name no tenant.
    pub fn with_presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }
}

impl<S> Layer<S> for TenantLayer {
    type Service = Tenancy<S>;

    fn layer(&self, inner: S) -> Tenancy<S> {
        Tenancy::new(inner, self.clone())
    }
}

/// What becomes of a request that names no tenant. One that names an unknown tenant is always
/// refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// It is answered 404, like one for an unknown tenant.
    #[default]
    Required,
    /// It goes on without a scope: for sign-up, log-in and the choice of a tenant. A handler that
    /// extracts the tenant or the scope answers 404.
    Optional,
}

/// The request's target as the client sent it, in the extensions when the layer stripped a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientUri(pub Uri);
