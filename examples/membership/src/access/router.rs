use axum::{Router, extract::Request, middleware, middleware::Next, response::Response};
use http::{Method, StatusCode};
use saas_core::{Clock, Problem};
use saas_rbac::{
    require::RequireLayer,
    rules::{RouteRules, Rule, RuleError},
};
use saas_tenancy::{ResolvedTenant, TenancyError};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::perm::CATALOGUE;
use crate::{error::AppError, openapi, state::AppState};

/// Routes, each with its rule. Becomes a router only when every documented operation has one.
#[derive(Default)]
#[must_use]
pub struct ApiRouter {
    routes: Vec<Route>,
}

/// One operation at one path.
struct Route {
    rule: Rule,
    place: Place,
    routes: UtoipaMethodRouter<AppState>,
}

/// Where a route exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    InTenant,
    OutsideTenants,
}

/// What an [`ApiRouter`] becomes.
#[must_use]
pub struct Api {
    /// The routes, guarded.
    pub router: Router<AppState>,
    /// What is asked for where.
    pub rules: RouteRules,
    /// The routes as the document shows them.
    pub document: OpenApi,
}

impl ApiRouter {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `routes!` makes of one handler. Whoever does not satisfy `rule` is refused before
    /// the handler runs, before its body is read and before a connection to the database is taken.
    pub fn route(mut self, rule: Rule, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.routes.push(Route { rule, place: Place::Anywhere, routes });
        self
    }

    /// Adds the routes of another one.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// Says that the routes added so far do not exist where there is no tenant.
    pub fn of_tenant(mut self) -> Self {
        for route in &mut self.routes {
            route.place = Place::InTenant;
        }
        self
    }

    /// Says that the routes added so far do not exist where there is a tenant.
    pub fn outside_tenants(mut self) -> Self {
        for route in &mut self.routes {
            route.place = Place::OutsideTenants;
        }
        self
    }

    /// The router, with all routes below `prefix`. `clock` tells how old a proof of identity is.
    ///
    /// # Errors
    /// [`RuleError`] when a rule and the documented operations do not fit, or a rule names what is no
    /// permission.
    pub fn build(self, prefix: &str, clock: &Clock) -> Result<Api, RuleError> {
        let mut rules = RouteRules::new();
        let mut routers = OpenApiRouter::new();
        for Route { rule, place, routes: (schemas, mut paths, handlers) } in self.routes {
            for (path, item) in &mut paths.paths {
                let path = format!("{prefix}{path}");
                for (method, _) in openapi::operations(item) {
                    rules.add(method, &path, rule.clone())?;
                }
            }
            let guard = RequireLayer::new(rule, clock.clone());
            // The outer one is added last: without a tenant there is nothing to be refused.
            let mut handlers = handlers.route_layer(guard);
            handlers = match place {
                Place::Anywhere => handlers,
                Place::InTenant => handlers.route_layer(middleware::from_fn(require_tenant)),
                Place::OutsideTenants => handlers.route_layer(middleware::from_fn(refuse_tenant)),
            };
            routers = routers.routes((schemas, paths, handlers));
        }
        if !prefix.is_empty() {
            routers = OpenApiRouter::new().nest(prefix, routers);
        }
        let (router, mut document) = routers.split_for_parts();
        rules.check(&CATALOGUE, documented(&mut document).iter().map(as_borrowed))?;
        Ok(Api { router, rules, document })
    }
}

/// Every operation of a document.
fn documented(document: &mut OpenApi) -> Vec<(Method, String)> {
    let mut all = Vec::new();
    for (path, item) in &mut document.paths.paths {
        all.extend(openapi::operations(item).map(|(method, _)| (method, path.clone())));
    }
    all
}

fn as_borrowed((method, path): &(Method, String)) -> (Method, &str) {
    (method.clone(), path)
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

/// Refuses a request that names a tenant as if there were nothing at its address.
async fn refuse_tenant(
    tenant: Option<ResolvedTenant>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    if tenant.is_some() {
        let absent = Problem::new(StatusCode::NOT_FOUND, "not_found");
        return Err(absent.with_detail("there is nothing at this address").into());
    }
    Ok(next.run(request).await)
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ApiRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let routes = self.routes.iter().map(|route| (route.routes.1.paths.keys(), &route.rule));
        f.debug_list().entries(routes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::perm;
    use saas_core::permission::{Permission, Risk};
    use utoipa_axum::routes;

    #[utoipa::path(get, path = "/a")]
    async fn read() {}

    #[utoipa::path(put, path = "/a")]
    async fn write() {}

    /// A permission that the application does not have.
    struct Unheard;
    impl Permission for Unheard {
        const BIT: u8 = 200;
        const NAME: &'static str = "unheard:of";
        const RISK: Risk = Risk::Low;
    }

    #[test]
    fn every_operation_has_its_own_rule() {
        let api = ApiRouter::new()
            .route(Rule::permission::<perm::members::Read>(), routes!(read))
            .route(Rule::permission::<perm::members::Update>(), routes!(write))
            .build("/api", &Clock::system())
            .unwrap();
        let rule = |method| api.rules.get(&method, "/api/a").unwrap().to_string();
        assert_eq!(rule(Method::GET), "members:read");
        assert_eq!(rule(Method::PUT), "members:update");
    }

    #[test]
    fn a_rule_that_cannot_hold_keeps_the_router_from_being_built() {
        let unknown = ApiRouter::new().route(Rule::permission::<Unheard>(), routes!(read));
        let error = unknown.build("", &Clock::system()).unwrap_err();
        assert!(error.to_string().contains("unheard:of"), "{error}");
        let twice = ApiRouter::new()
            .route(Rule::signed_in(), routes!(read))
            .route(Rule::public(), routes!(read));
        let error = twice.build("", &Clock::system()).unwrap_err();
        assert!(error.to_string().contains("two rules"), "{error}");
    }
}
