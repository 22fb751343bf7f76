//! Every route of the application, asked by everybody. What is expected comes from the rule alone.

use std::time::Duration;

use http::Method;
use membership::{access::ROLES, app};
use saas_core::{Actor, RequestId, Scope};
use saas_rbac::{
    Acting,
    api_key::NewApiKey,
    rules::{Need, Rule},
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Answer, ask, bearer, signed_in, with};
use crate::app::{
    App,
    owners::{self, Owner},
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Role(&'static str),
    /// The owner of another tenant.
    Stranger,
    Expired,
    Revoked,
    /// A key of an owner with a scope that no route asks for.
    KeyWithoutScope,
    /// A key of an owner with all scopes.
    KeyWithScopes,
}

const CALLERS: [Caller; 10] = [
    Caller::Anonymous,
    Caller::Role("owner"),
    Caller::Role("admin"),
    Caller::Role("member"),
    Caller::Role("viewer"),
    Caller::Stranger,
    Caller::Expired,
    Caller::Revoked,
    Caller::KeyWithoutScope,
    Caller::KeyWithScopes,
];

/// What a rule makes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// They get as far as the handler.
    Passes,
    /// They are refused with this status.
    Refused(u16),
}

/// Answers of the guards, as opposed to those of handlers.
const GUARDS: [&str; 5] = [
    "missing_credentials",
    "invalid_token",
    "permission_denied",
    "tenant_mismatch",
    "step_up_required",
];

/// Routes whose handler asks for more than their rule, depending on what is asked of them.
const STRICTER: [&str; 1] = ["DELETE /api/v1/team/{user_id}"];

impl Caller {
    /// What `rule` makes of them at a tenant's address.
    fn expected(self, rule: &Rule, path: &str) -> Expected {
        // Outside of the API nobody is looked at.
        if !path.starts_with("/api/v1/") {
            return Expected::Passes;
        }
        match (self, rule.need()) {
            (Self::Expired | Self::Revoked, _) => Expected::Refused(401),
            (Self::Stranger, _) => Expected::Refused(403),
            // No tenant's host has the routes of staff.
            (_, Need::SuperAdmin) => Expected::Refused(404),
            (_, Need::Public) => Expected::Passes,
            (Self::Anonymous, _) => Expected::Refused(401),
            (Self::KeyWithScopes | Self::KeyWithoutScope, _) if rule.step_up().is_some() => {
                Expected::Refused(401)
            }
            (_, Need::SignedIn) | (Self::KeyWithScopes, _) => Expected::Passes,
            (Self::KeyWithoutScope, _) => Expected::Refused(403),
            (Self::Role(role), _) => {
                let gives = ROLES.by_name(role).unwrap().permissions();
                let passes = rule.permissions().iter().any(|one| gives.contains(one.bit));
                if passes { Expected::Passes } else { Expected::Refused(403) }
            }
        }
    }
}

/// One of each.
struct Callers {
    app: App,
    roles: Vec<(&'static str, Owner)>,
    stranger: String,
    revoked: String,
    narrow: String,
    broad: String,
}

impl Callers {
    async fn new() -> Self {
        let app = App::new().await;
        let mut roles = Vec::new();
        for role in ["owner", "admin", "member", "viewer"] {
            roles.push((role, signed_in(&app, "acme", role).await.0));
        }
        let (_, stranger) = signed_in(&app, "hooli", "owner").await;
        let narrow = key(&app, roles[0].1, &["reports:read"]).await;
        let broad = key(&app, roles[0].1, &["*"]).await;
        let revoked = revoked(&app, roles[0].1).await;
        Self { app, roles, stranger, revoked, narrow, broad }
    }

    /// A credential. Sessions are new each time: some routes end them.
    async fn credential(&self, caller: Caller) -> Option<String> {
        let role = match caller {
            Caller::Role(role) => role,
            Caller::Expired => "owner",
            Caller::Revoked => return Some(self.revoked.clone()),
            Caller::Anonymous => return None,
            Caller::Stranger => return Some(self.stranger.clone()),
            Caller::KeyWithoutScope => return Some(self.narrow.clone()),
            Caller::KeyWithScopes => return Some(self.broad.clone()),
        };
        let Owner { tenant, user, .. } =
            self.roles.iter().find(|(name, _)| *name == role).unwrap().1;
        let (world, identity) = (self.app.world(), self.app.identity());
        let session = owners::sign_in(world, user, Some(tenant)).await;
        let mut claims = owners::claims(user, session, Some(tenant));
        if caller == Caller::Expired {
            let hours = chrono::TimeDelta::hours(2);
            (claims.iat, claims.exp) = (claims.iat - hours, claims.exp - hours);
            (claims.nbf, claims.auth_time) =
                (claims.nbf.map(|at| at - hours), claims.auth_time - hours);
        }
        Some(owners::sign(identity, &claims))
    }

    async fn ask(&self, caller: Caller, method: &str, path: &str) -> Answer {
        let path = path.replace("{id}", NOBODY).replace("{user_id}", NOBODY);
        let target = if path.starts_with("/api/v1/") { format!("/t/acme{path}") } else { path };
        let bearer = self.credential(caller).await.map(|token| bearer(&token));
        let mut headers = vec![("if-match", "*")];
        headers.extend(bearer.iter().map(|bearer| ("authorization", &**bearer)));
        let has_body = method != "GET" && method != "DELETE";
        let body = if has_body { json!({}) } else { json!(null) };
        ask(self.app.strict_router(), (method, &target), &headers, body).await
    }
}

/// A token whose session is over, as everybody knows.
async fn revoked(app: &App, owner: Owner) -> String {
    let session = owners::sign_in(app.world(), owner.user, Some(owner.tenant)).await;
    let token = owners::token(app.identity(), owner.user, session, Some(owner.tenant));
    app.identity().sessions.revoke(owner.user, session).await.unwrap();
    for _ in 0..100 {
        if with(app, "acme", &token, ("GET", "/me"), json!(null)).await.status == 401 {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a session is not over within a second");
}

/// An id that nothing has.
const NOBODY: &str = "018f4d3c-0000-7000-8000-00000000002a";

async fn key(app: &App, owner: Owner, scopes: &[&str]) -> String {
    let actor = Actor::User { id: owner.user };
    let scope = Scope::new(owner.tenant, actor, RequestId::generate(&app.clock));
    let member = app.identity().authorizer.member(owner.tenant, owner.user).await.unwrap().unwrap();
    let acting = Acting::new(scope, member.permissions());
    let new = NewApiKey::new("table", scopes.iter().copied());
    let made = app.identity().api_keys.create(&acting, new).await.unwrap();
    made.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn every_route_answers_everybody_as_its_rule_says() {
    let callers = Callers::new().await;
    let rules = app::rules().unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (method, path, rule) in rules.iter() {
        let route = format!("{method} {path}");
        for caller in CALLERS {
            let expected = caller.expected(rule, path);
            let answer = callers.ask(caller, method, path).await;
            let guarded = GUARDS.contains(&answer.code());
            let fits = match expected {
                Expected::Refused(status) => answer.status == status,
                Expected::Passes if STRICTER.contains(&&*route) => answer.status != 401,
                Expected::Passes => !guarded,
            };
            if !fits {
                wrong.push(format!("{route} by {caller:?}: {expected:?}, not {:?}", answer.told()));
            }
            asked += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 500, "{asked}");
}

#[test]
fn no_route_that_changes_something_is_public_by_mistake() {
    let rules = app::rules().unwrap();
    let public: Vec<_> = rules
        .iter()
        .filter(|(method, _, rule)| *method != Method::GET.as_str() && *rule.need() == Need::Public)
        .map(|(_, path, _)| path)
        .collect();
    assert_eq!(
        public,
        [
            "/api/v1/auth/email/verify",
            "/api/v1/auth/login",
            "/api/v1/auth/logout",
            "/api/v1/auth/password/forgot",
            "/api/v1/auth/password/reset",
            "/api/v1/auth/refresh",
            "/api/v1/invitations/accept",
            "/api/v1/tenants",
        ]
    );
}
