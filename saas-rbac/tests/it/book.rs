//! What `docs/src/authentication.md` and `docs/src/access-control.md` show.

use std::time::Duration;

use axum::Router;
use http::Method;
use saas_core::{
    Clock, SessionId, TenantId, UserId,
    auth::{Credential, Principal, TokenCache},
    permission::{Grants, Permission, PermissionSet, Terms},
};
use saas_rbac::{
    AccessModel, Authorizer,
    api_key::ApiKeys,
    authenticate::{Authenticate, AuthenticateLayer},
    permission::{FixedRole, FixedRoles},
    require::Granted,
    rules::{RouteRules, Rule, RuleError},
    session::{Cookies, Liveness, Sessions},
    token::SigningKeys,
};
use saas_tenancy::{Tenancy, TenantLayer};
use tower::Layer;

// ANCHOR: permissions
saas_rbac::permissions! {
    /// What people may do.
    pub mod perm {
        /// The people of a club.
        members {
            /// See members.
            Read: "read" = 0, Low;
            /// Add members.
            Create: "create" = 1, Low;
            /// Take all members home as a file.
            Export: "export" = 2, High;
        }
        /// The club itself.
        club {
            /// Close it for good.
            Delete: "delete" = 10, Critical;
        }
    }
}
// ANCHOR_END: permissions

// ANCHOR: roles
const ALL: PermissionSet = perm::CATALOGUE.all();
const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", ALL),
    FixedRole::new(1, "admin", ALL.difference(perm::CATALOGUE.select(&["club:delete"]))),
    FixedRole::new(2, "viewer", perm::CATALOGUE.select(&["members:read"])),
]);
const MODEL: AccessModel = AccessModel::new(perm::CATALOGUE, ROLES);
// ANCHOR_END: roles

// ANCHOR: rules
fn rules() -> Result<RouteRules, RuleError> {
    let delete = Rule::permission::<perm::club::Delete>();
    RouteRules::new()
        .with(Method::GET, "/healthz", Rule::public())?
        .with(Method::GET, "/me", Rule::signed_in())?
        .with(Method::GET, "/members/export", Rule::permission::<perm::members::Export>())?
        .with(Method::DELETE, "/club", delete.with_step_up(Duration::from_secs(300)))
}
// ANCHOR_END: rules

// ANCHOR: proof
/// Domain code. It cannot be called where nobody has asked for the permission.
fn export(proof: &Granted<perm::members::Export>) -> String {
    format!("all members, for {}", proof.user())
}

/// A handler. It runs for people who may export, and for nobody else.
async fn handler(proof: Granted<perm::members::Export>) -> String {
    export(&proof)
}
// ANCHOR_END: proof

#[expect(dead_code, reason = "it is shown; that it compiles is enough")]
// ANCHOR: layer
/// Who asks is found out inside of the layer that finds the tenant, and around the routes.
fn app(
    routes: Router,
    tenants: &TenantLayer,
    authorizer: Authorizer,
    (tokens, keys, liveness): (TokenCache, SigningKeys, Liveness),
    (sessions, cookies): (Sessions, Cookies),
    api_keys: ApiKeys,
) -> Tenancy<Authenticate<Router>> {
    let who = AuthenticateLayer::new(MODEL, authorizer)
        .with_tokens(tokens, keys, liveness)
        .with_sessions(sessions, cookies)
        .with_api_keys(api_keys);
    tenants.layer(who.layer(routes))
}
// ANCHOR_END: layer

#[tokio::test]
async fn what_the_book_shows_of_permissions_holds() {
    let clock = Clock::system();
    let credential = Credential::AccessToken(SessionId::generate(&clock));
    let user = UserId::generate(&clock);
    let as_role = |name: &str| {
        let role = MODEL.fixed_roles().by_name(name).unwrap();
        let grants = Grants::new(Terms::of_roles(role.permissions()));
        let tenant = TenantId::generate(&clock);
        Principal::new(user, credential, clock.now()).in_tenant(tenant, [name], grants)
    };
    let proof = Granted::<perm::members::Export>::of(&as_role("admin")).unwrap();
    assert_eq!(handler(proof).await, format!("all members, for {user}"));
    assert!(Granted::<perm::members::Export>::of(&as_role("viewer")).is_err());
    assert!(!as_role("admin").grants().allows::<perm::club::Delete>());

    let rules = rules().unwrap();
    let routes: Vec<_> =
        rules.iter().map(|(method, path, _)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(routes.len(), 4);
    assert!(perm::CATALOGUE.parse(perm::members::Read::NAME).is_some());
    let matrix = rules.matrix(&ROLES).to_string();
    assert!(matrix.lines().any(|line| line.contains("club:delete")), "{matrix}");
}
