//! Guards in front of handlers, through axum.

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::get};
use chrono::{TimeDelta, TimeZone, Utc};
use http::{Extensions, StatusCode};
use saas_core::{
    Actor, ApiKeyId, Clock, RequestId, Scope, SessionId, TenantId, UserId,
    auth::{Credential, Principal, Realm, Reject, Unauthenticated},
    permission::{Grants, PermissionSet, Terms},
};
use saas_rbac::{
    require::{All, Any, Granted, RequireLayer},
    rules::Rule,
};
use tower::ServiceExt;

use super::club::{perm, set};

/// A request's credential, as the layer that authenticates leaves it.
struct Caller {
    clock: Clock,
    tenant: TenantId,
    principal: Principal,
}

impl Caller {
    fn with(permissions: PermissionSet) -> Self {
        let (clock, _) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).unwrap());
        let (tenant, user) = (TenantId::generate(&clock), UserId::generate(&clock));
        let session = Credential::AccessToken(SessionId::generate(&clock));
        let grants = Grants::new(Terms::of_roles(permissions));
        let principal =
            Principal::new(user, session, clock.now()).in_tenant(tenant, ["role"], grants);
        Self { clock, tenant, principal }
    }

    fn put(&self, extensions: &mut Extensions) {
        let request = RequestId::generate(&self.clock);
        extensions.insert(Scope::new(self.tenant, Actor::Anonymous, request));
        extensions.insert(self.principal.clone());
    }
}

async fn export(proof: Granted<perm::members::Export>) -> String {
    proof.user().to_string()
}

async fn both(all: All<(perm::members::Read, perm::members::Create)>) -> String {
    let (read, create): (Granted<perm::members::Read>, Granted<perm::members::Create>) = all.into();
    assert_eq!(read.tenant(), create.tenant());
    create.user().to_string()
}

async fn either(any: Any<(perm::members::Read, perm::members::Export)>) -> String {
    any.holds::<perm::members::Export>().map_or("some", |_| "all").to_owned()
}

fn app(guard: Option<RequireLayer>) -> Router {
    let router = Router::new()
        .route("/export", get(export))
        .route("/both", get(both))
        .route("/either", get(either))
        .route("/plain", get(async || "plain"));
    match guard {
        Some(guard) => router.layer(guard),
        None => router,
    }
}

async fn ask(app: Router, path: &str, prepare: impl FnOnce(&mut Extensions)) -> StatusCode {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    prepare(request.extensions_mut());
    app.oneshot(request).await.unwrap().status()
}

fn anonymous(extensions: &mut Extensions) {
    extensions.insert(Unauthenticated::new(Realm::default().refuse(Reject::Missing)));
}

#[tokio::test]
async fn a_handler_with_a_proof_runs_only_for_who_may() {
    let caller = Caller::with(set(&["members:export"]));
    assert_eq!(ask(app(None), "/export", |e| caller.put(e)).await, StatusCode::OK);
    let caller = Caller::with(set(&["members:read", "members:create"]));
    assert_eq!(ask(app(None), "/export", |e| caller.put(e)).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(app(None), "/both", |e| caller.put(e)).await, StatusCode::OK);
    assert_eq!(ask(app(None), "/either", |e| caller.put(e)).await, StatusCode::OK);
    let caller = Caller::with(set(&["members:create"]));
    assert_eq!(ask(app(None), "/both", |e| caller.put(e)).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(app(None), "/either", |e| caller.put(e)).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(app(None), "/export", anonymous).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_router_without_authentication_is_an_error_and_never_a_yes() {
    for path in ["/export", "/both", "/either"] {
        let status = ask(app(None), path, |_| ()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
    for rule in [Rule::signed_in(), Rule::permission::<perm::members::Read>(), Rule::super_admin()]
    {
        let guard = RequireLayer::new(rule, Clock::system());
        let status = ask(app(Some(guard)), "/plain", |_| ()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test]
async fn a_proof_of_another_tenant_is_none() {
    let caller = Caller::with(PermissionSet::ALL);
    let elsewhere = Caller { tenant: TenantId::generate(&Clock::system()), ..caller };
    for path in ["/export", "/both", "/either"] {
        assert_eq!(ask(app(None), path, |e| elsewhere.put(e)).await, StatusCode::FORBIDDEN);
    }
    let guard = RequireLayer::of::<perm::members::Read>();
    let status = ask(app(Some(guard)), "/plain", |e| elsewhere.put(e)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_guarded_route_is_reached_by_who_satisfies_the_rule() {
    let reader = Caller::with(set(&["members:read"]));
    let table = [
        (Rule::public(), StatusCode::OK, StatusCode::OK),
        (Rule::signed_in(), StatusCode::UNAUTHORIZED, StatusCode::OK),
        (Rule::permission::<perm::members::Read>(), StatusCode::UNAUTHORIZED, StatusCode::OK),
        (
            Rule::permission::<perm::members::Export>(),
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ),
        (Rule::any_of([]), StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN),
        (Rule::super_admin(), StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN),
    ];
    for (rule, for_nobody, for_reader) in table {
        let guard = RequireLayer::new(rule.clone(), reader.clock.clone());
        let nobody = ask(app(Some(guard.clone())), "/plain", anonymous).await;
        assert_eq!(nobody, for_nobody, "{rule}");
        let known = ask(app(Some(guard)), "/plain", |e| reader.put(e)).await;
        assert_eq!(known, for_reader, "{rule}");
    }
    let guard = RequireLayer::any_of::<(perm::members::Read, perm::members::Export)>();
    assert_eq!(ask(app(Some(guard)), "/plain", |e| reader.put(e)).await, StatusCode::OK);
}

#[tokio::test]
async fn what_is_sensitive_asks_for_a_fresh_proof_and_takes_no_key() {
    let mut caller = Caller::with(set(&["members:read"]));
    let rule = Rule::permission::<perm::members::Read>().with_step_up(Duration::from_secs(300));
    let (clock, hand) = Clock::manual(caller.clock.now() + TimeDelta::seconds(300));
    let guard = RequireLayer::new(rule, clock);
    let ask_now =
        async |caller: &Caller| ask(app(Some(guard.clone())), "/plain", |e| caller.put(e)).await;
    assert_eq!(ask_now(&caller).await, StatusCode::OK);
    hand.advance(Duration::from_secs(1));
    assert_eq!(ask_now(&caller).await, StatusCode::UNAUTHORIZED);
    let key = Credential::ApiKey(ApiKeyId::generate(&caller.clock));
    let now = caller.clock.now() + TimeDelta::seconds(301);
    let grants = *caller.principal.grants();
    caller.principal =
        Principal::new(caller.principal.user(), key, now).in_tenant(caller.tenant, ["r"], grants);
    assert_eq!(ask_now(&caller).await, StatusCode::UNAUTHORIZED, "a key proves nobody's presence");
}
