//! Keys of programs.

use std::time::Duration;

use saas_core::{Actor, RequestId, Scope};
use saas_rbac::{Acting, api_key::NewApiKey};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Answer, as_operator, at, signed_in};
use crate::app::{App, owners::Owner};

/// A key of somebody, with these scopes: its id and its text.
async fn key(app: &App, owner: Owner, scopes: &[&str]) -> (saas_core::ApiKeyId, String) {
    let actor = Actor::User { id: owner.user };
    let scope = Scope::new(owner.tenant, actor, RequestId::generate(&app.clock));
    let member = app.identity().authorizer.member(owner.tenant, owner.user).await.unwrap().unwrap();
    let acting = Acting::new(scope, member.permissions());
    let new = NewApiKey::new("import", scopes.iter().copied());
    let made = app.identity().api_keys.create(&acting, new).await.unwrap();
    (made.key.id, made.secret.expose_secret().to_owned())
}

async fn with_key(app: &App, slug: &str, key: &str, target: (&str, &str), body: Value) -> Answer {
    let bearer = format!("Bearer {key}");
    at(app, slug, target, &[("authorization", &bearer)], body).await
}

#[tokio::test]
async fn j42_a_key_does_what_its_scopes_name_and_its_owner_may() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Gold").await;
    let (owner, _) = signed_in(&app, "acme", "admin").await;
    let (id, text) = key(&app, owner, &["members:read"]).await;
    let (_, broad) = key(&app, owner, &["members:*"]).await;
    let export = ("GET", "/members/export");
    assert_eq!(with_key(&app, "acme", &broad, export, Value::Null).await.status, 200);
    let list = ("GET", "/members");
    assert_eq!(with_key(&app, "acme", &text, list, Value::Null).await.status, 200);
    let me = with_key(&app, "hooli", &text, ("GET", "/me"), Value::Null).await;
    assert_eq!(me.told(), (403, "tenant_mismatch"));
    let body = crate::app::member(&kind, 1);
    let refused = with_key(&app, "acme", &text, ("POST", "/members"), body.clone()).await;
    assert_eq!(refused.told(), (403, "permission_denied"), "no scope");
    assert_eq!(
        with_key(&app, "hooli", &text, list, Value::Null).await.told(),
        (403, "tenant_mismatch")
    );

    // The owner becomes a member, who may not export.
    let sql = "update saas_rbac.memberships set role_mask = 4 where user_id =";
    as_operator(&app, &format!("{sql} '{}'", owner.user)).await;
    let refused = until(&app, &broad, export, 403).await;
    assert_eq!(refused.code(), "permission_denied");
    assert_eq!(with_key(&app, "acme", &broad, ("POST", "/members"), body).await.status, 201);

    // What is only the person's own is not for programs.
    let sessions = with_key(&app, "acme", &text, ("GET", "/auth/sessions"), Value::Null).await;
    assert_eq!(sessions.told(), (403, "session_required"));
    let enrol = ("POST", "/auth/second-factor/enrol");
    let enrol = with_key(&app, "acme", &text, enrol, json!(null)).await;
    assert_eq!(enrol.told(), (401, "step_up_required"));

    let sql = format!("update saas_rbac.api_keys set revoked_at = now() where id = '{id}'");
    as_operator(&app, &sql).await;
    assert_eq!(until(&app, &text, list, 401).await.code(), "invalid_token");
}

/// The first answer with this status, within a second.
async fn until(app: &App, key: &str, target: (&str, &str), status: u16) -> Answer {
    for _ in 0..100 {
        let answer = with_key(app, "acme", key, target, Value::Null).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{target:?} is not {status} within a second");
}

#[tokio::test]
async fn what_is_no_key_of_ours_looks_like_one_that_was_revoked() {
    let app = App::new().await;
    let (owner, _) = signed_in(&app, "acme", "owner").await;
    let (_, text) = key(&app, owner, &["members:read"]).await;
    let mut misspelt = text.clone();
    let last = misspelt.pop().unwrap();
    misspelt.push(if last == '0' { '1' } else { '0' });
    let other_prefix = text.replace("sk_live_", "sk_test_");
    for wrong in [&*misspelt, &*other_prefix, "sk_live_", "sk_", &"sk_live_a".repeat(500)] {
        let answer = with_key(&app, "acme", wrong, ("GET", "/members"), Value::Null).await;
        assert_eq!(answer.told(), (401, "invalid_token"), "{wrong:.40}");
    }
}
