//! Every request gets its [`Principal`](saas_core::auth::Principal), or an answer that says why not.
//!
//! 1. A request has one credential: `Authorization: Bearer` with an access token or an API key, or
//!    the cookie of a browser's session. With a cookie and a token it is refused, because two
//!    answers to "who asks" are one too many.
//! 2. A credential is for one tenant. It must be the one that [`TenantLayer`] has found; nothing
//!    else that a request says, such as a header, can outrank it. A person who is no member there is
//!    answered like one with the credential of another tenant.
//! 3. Who may do what comes from the [`Authorizer`] at each request:
//!    `(roles ∩ plan ∩ scopes of the key ∩ impersonation) − denied`. The token says nothing of it.
//! 4. Without a credential the request goes on as nobody's; the guards of the routes refuse it. So
//!    does one with the cookie of a session that is over, or nobody could sign in again: a browser
//!    keeps sending it.
//! 5. Whatever cannot be asked is 503 with `Retry-After`: never 200, and never 403.
//! 6. A browser sends its cookie with requests that other sites make. With a cookie, a method that
//!    may change something, or a request for another protocol such as WebSocket, must come from the
//!    same origin by `Sec-Fetch-Site`, or by `Origin` from browsers without it.
//! 7. Every request counts in `saas_authentications_total{credential, outcome}`. A refusal is logged
//!    with its reason; the client learns only what [`Realm`] tells. No
//!    credential is logged.
//!
//! | what is wrong | answer | cases |
//! |---|---|---|
//! | no credential, another scheme than `Bearer`, a token in the query | goes on as nobody; 401 `missing_credentials` from the guard | J01, J02 |
//! | two credentials, two `Authorization` headers, what is no token | 400 `invalid_request` | J04, J05 |
//! | a token that is not ours | 401 `invalid_token` | J06–J27 |
//! | it has expired | 401 `token_expired` | J18 |
//! | its session, its person or its key was revoked | 401 `invalid_token` | J33, J42 |
//! | it is for another tenant, or its person is no member | 403 `tenant_mismatch` | J28, J29, J34 |
//! | a cookie with a request from another site | 403 `cross_site_request` | |
//! | nobody can be asked | 503 `verifier_unavailable` | J41 |
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use saas_core::auth::{Principal, TokenCache};
//! use saas_rbac::authenticate::{Authenticate, AuthenticateLayer};
//! use saas_rbac::session::Liveness;
//! use saas_rbac::token::SigningKeys;
//! use saas_rbac::{AccessModel, Authorizer};
//! use saas_tenancy::{Tenancy, TenantLayer};
//! use tower::Layer;
//!
//! async fn who(principal: Principal) -> String {
//!     principal.user().to_string()
//! }
//!
//! fn app(
//!     model: AccessModel,
//!     authorizer: Authorizer,
//!     (cache, keys, liveness): (TokenCache, SigningKeys, Liveness),
//!     tenants: TenantLayer,
//! ) -> Tenancy<Authenticate<Router>> {
//!     let layer =
//!         AuthenticateLayer::new(model, authorizer).with_tokens(cache, keys, liveness);
//!     tenants.layer(layer.layer(Router::new().route("/who", get(who))))
//! }
//! ```
//!
//! **Deployment caveat.** It goes inside of [`TenantLayer`]: without it every request is 500.

mod check;
mod cross_site;
mod plan;
mod presented;
mod refused;
mod service;
mod telemetry;

use std::sync::Arc;

use saas_core::auth::{Realm, TokenCache};
#[cfg(doc)]
use saas_tenancy::TenantLayer;
use tower_layer::Layer;

use crate::{
    AccessModel, Authorizer,
    api_key::ApiKeys,
    session::{Cookies, Liveness, Sessions},
    token::SigningKeys,
};

pub use cross_site::{CrossSite, same_origin};
pub use plan::{EveryPlan, PlanPermissions};
pub use service::Authenticate;

/// Finds out who asks. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
#[must_use]
pub struct AuthenticateLayer(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    model: AccessModel,
    authorizer: Authorizer,
    tokens: Option<Tokens>,
    sessions: Option<(Sessions, Cookies)>,
    keys: Option<ApiKeys>,
    plans: Arc<dyn PlanPermissions>,
    realm: Realm,
}

/// What access tokens are checked with.
#[derive(Debug, Clone)]
struct Tokens {
    cache: TokenCache,
    keys: SigningKeys,
    liveness: Liveness,
}

impl AuthenticateLayer {
    /// Asks `authorizer` what people may do. No kind of credential is taken yet.
    pub fn new(model: AccessModel, authorizer: Authorizer) -> Self {
        let (tokens, sessions, keys) = (None, None, None);
        let plans = Arc::new(EveryPlan);
        let realm = Realm::default();
        Self(Arc::new(Parts { model, authorizer, tokens, sessions, keys, plans, realm }))
    }

    /// Takes access tokens. `keys` knows whether those that `cache` checks with are still the right
    /// ones, `liveness` which tokens are over before their time.
    pub fn with_tokens(self, cache: TokenCache, keys: SigningKeys, liveness: Liveness) -> Self {
        self.with(|parts| parts.tokens = Some(Tokens { cache, keys, liveness }))
    }

    /// Takes the cookies of browsers' sessions.
    pub fn with_sessions(self, sessions: Sessions, cookies: Cookies) -> Self {
        self.with(|parts| parts.sessions = Some((sessions, cookies)))
    }

    /// Takes API keys.
    pub fn with_api_keys(self, keys: ApiKeys) -> Self {
        self.with(|parts| parts.keys = Some(keys))
    }

    /// Asks what the plan of a tenant includes. Unless it is set, every plan has everything.
    pub fn with_plans(self, plans: Arc<dyn PlanPermissions>) -> Self {
        self.with(|parts| parts.plans = plans)
    }

    /// Asks for credentials under this name.
    pub fn with_realm(self, realm: Realm) -> Self {
        self.with(|parts| parts.realm = realm)
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate::new(inner, self.clone())
    }
}
