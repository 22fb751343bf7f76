//! The cases of the list of attacks on tokens that concern the application as a whole. The others are
//! with the verifier, in `saas-core`.

use std::time::Duration;

use membership::{app, state::AppState};
use saas_core::{SessionId, UserId, permission::Risk};
use saas_rbac::operate::Staff;
use saas_tenancy::{
    Isolation, NewTenant, Status, TenantStore,
    store::{MemoryTenantStore, TenantChange},
};
use serde_json::{Value, json};

use super::{PASSWORD, as_operator, ask, at, log_in, members, person, signed_in};
use crate::app::{App, owners, resolvers};

/// How often something that comes by itself is looked for, and how long to wait in between: a second.
const LOOKS: (usize, Duration) = (100, Duration::from_millis(10));

/// Waits until the members of a tenant are answered so.
async fn until(app: &App, slug: &str, token: &str, told: (u16, &str)) {
    for _ in 0..LOOKS.0 {
        if members(app, slug, token).await.told() == told {
            return;
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    panic!("not {told:?} within a second: {:?}", members(app, slug, token).await);
}

#[tokio::test]
async fn j01_nobody_is_asked_to_sign_in() {
    let app = App::new().await;
    for header in [vec![], vec![("authorization", "Basic YTpi")]] {
        let answer = at(&app, "acme", ("GET", "/members"), &header, Value::Null).await;
        assert_eq!(answer.told(), (401, "missing_credentials"));
        assert_eq!(answer.challenge(), r#"Bearer realm="api""#);
    }
    // A token in the address ends in logs, so it is no token.
    let (_, token) = signed_in(&app, "acme", "owner").await;
    let path = format!("/members/export?access_token={token}");
    let answer = at(&app, "acme", ("GET", &path), &[], Value::Null).await;
    assert_eq!(answer.told(), (401, "missing_credentials"));
}

#[tokio::test]
async fn j28_j29_a_token_is_good_for_its_own_tenant_whatever_else_is_said() {
    let app = App::new().await;
    let (_, token) = signed_in(&app, "acme", "owner").await;
    let bearer = format!("Bearer {token}");
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    let elsewhere = members(&app, "hooli", &token).await;
    assert_eq!(elsewhere.told(), (403, "tenant_mismatch"));
    assert!(elsewhere.challenge().contains(r#"error="insufficient_scope""#));
    // Where no permission is asked for, nothing but the layer itself compares the two.
    let headers = [("authorization", &*bearer)];
    let me = at(&app, "hooli", ("GET", "/me"), &headers, Value::Null).await;
    assert_eq!(me.told(), (403, "tenant_mismatch"));
    let headers = [("host", "hooli.localhost"), ("authorization", &*bearer)];
    let by_host = ask(app.strict_router(), ("GET", "/api/v1/members"), &headers, Value::Null).await;
    assert_eq!(by_host.told(), (403, "tenant_mismatch"));
    let hooli = app.tenant("hooli").await.id.to_string();
    for value in ["hooli", &*hooli] {
        let headers = [("authorization", &*bearer), ("x-tenant-id", value)];
        let answer = at(&app, "acme", ("GET", "/tenant"), &headers, Value::Null).await;
        assert_eq!((answer.status, &answer.body["slug"]), (200, &json!("acme")));
    }
}

#[tokio::test]
async fn a_token_for_no_tenant_reaches_no_tenant() {
    let app = App::new().await;
    let (owner, _) = signed_in(&app, "acme", "owner").await;
    let session = owners::sign_in(app.world(), owner.user, None).await;
    let token = owners::token(app.identity(), owner.user, session, None);
    assert_eq!(members(&app, "acme", &token).await.told(), (403, "tenant_mismatch"));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let me = ask(app.strict_router(), ("GET", "/api/v1/me"), &headers, Value::Null).await;
    assert_eq!((me.status, &me.body["tenant"]), (200, &Value::Null));
    assert_eq!(me.body["permissions"], json!([]));
}

#[tokio::test]
async fn j32_a_tenant_that_is_not_served_is_not_served_to_its_owner() {
    let app = App::new().await;
    let (_, token) = signed_in(&app, "acme", "owner").await;
    let acme = app.tenant("acme").await.id;
    for (status, told) in [
        (Status::Suspended, (403, "tenant_suspended")),
        (Status::Deleting, (404, "tenant_not_found")),
    ] {
        let change = TenantChange { status: Some(status), ..TenantChange::default() };
        app.world().store.update(acme, change, None).await.unwrap();
        assert_eq!(members(&app, "acme", &token).await.told(), told);
    }
}

#[tokio::test]
async fn j33_what_ends_a_session_ends_its_tokens() {
    let app = App::new().await;
    let identity = app.identity();
    let (one, token) = signed_in(&app, "acme", "owner").await;
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    identity.sessions.revoke(one.user, one.session).await.unwrap();
    until(&app, "acme", &token, (401, "invalid_token")).await;

    let (one, token) = signed_in(&app, "acme", "owner").await;
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    identity.users.disable(one.user).await.unwrap();
    until(&app, "acme", &token, (401, "invalid_token")).await;

    let (one, token) = signed_in(&app, "acme", "owner").await;
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    let hash = identity.passwords.hash(&PASSWORD.into()).await.unwrap();
    identity.operator.set_password(one.user, &hash).await.unwrap();
    until(&app, "acme", &token, (401, "invalid_token")).await;
    // A new session does not make a token of the epoch before good again.
    let session = owners::sign_in(app.world(), one.user, Some(one.tenant)).await;
    let old = owners::token(identity, one.user, session, Some(one.tenant));
    assert_eq!(members(&app, "acme", &old).await.told(), (401, "invalid_token"));
}

#[tokio::test]
async fn j34_who_is_no_member_any_more_is_a_stranger() {
    let app = App::new().await;
    let (one, token) = signed_in(&app, "acme", "admin").await;
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    as_operator(&app, &format!("delete from saas_rbac.memberships where user_id = '{}'", one.user))
        .await;
    until(&app, "acme", &token, (403, "tenant_mismatch")).await;
}

#[tokio::test]
async fn j35_j36_a_role_counts_as_it_is_now_and_not_as_it_was() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Gold").await;
    let (one, token) = signed_in(&app, "acme", "member").await;
    let bearer = format!("Bearer {token}");
    let create = async |n| {
        let headers = [("authorization", &*bearer)];
        at(&app, "acme", ("POST", "/members"), &headers, crate::app::member(&kind, n)).await
    };
    assert_eq!(create(1).await.status, 201);
    let become_role = async |bit: u8| {
        let mask = 1_i64 << bit;
        let sql = "update saas_rbac.memberships set role_mask =";
        as_operator(&app, &format!("{sql} {mask} where user_id = '{}'", one.user)).await;
    };
    become_role(3).await;
    let mut refused = create(2).await;
    for _ in 0..LOOKS.0 {
        if refused.status == 403 {
            break;
        }
        tokio::time::sleep(LOOKS.1).await;
        refused = create(2).await;
    }
    assert!([(403, "permission_denied"), (409, "email_taken")].contains(&refused.told()));
    assert_eq!(refused.status, 403);
    assert!(refused.challenge().contains(r#"scope="members:create""#), "{}", refused.challenge());
    assert_eq!(members(&app, "acme", &token).await.status, 200, "what is left is left");
    become_role(2).await;
    let mut made = create(3).await;
    for _ in 0..LOOKS.0 {
        if made.status == 201 {
            break;
        }
        tokio::time::sleep(LOOKS.1).await;
        made = create(3).await;
    }
    assert_eq!(made.status, 201, "without signing in again");
}

#[tokio::test]
async fn j37_j38_the_two_kinds_of_token_do_not_stand_in_for_each_other() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let done = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await;
    let refresh = done.cookie("refresh").unwrap();
    assert_eq!(members(&app, "acme", &refresh).await.told(), (401, "invalid_token"));
    let use_it = async |token: &str| {
        let body = json!({ "refresh_token": token });
        at(&app, "acme", ("POST", "/auth/refresh"), &[], body).await
    };
    assert_eq!(use_it(&done.token()).await.told(), (400, "invalid_grant"));
    let (one, other) = tokio::join!(use_it(&refresh), use_it(&refresh));
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(one.body, other.body, "two who ask at once get one pair");
    assert_eq!(members(&app, "acme", &one.token()).await.status, 200);
}

#[tokio::test]
async fn j39_a_key_that_is_revoked_signs_for_nobody_any_more() {
    let app = App::new().await;
    let (one, token) = signed_in(&app, "acme", "owner").await;
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    let keys = &app.identity().keys;
    keys.revoke(&keys.signer().kid()).await.unwrap();
    assert_eq!(members(&app, "acme", &token).await.told(), (401, "invalid_token"));
    let next = owners::token(app.identity(), one.user, one.session, Some(one.tenant));
    assert_eq!(members(&app, "acme", &next).await.status, 200, "the next key has taken over");
}

#[tokio::test]
async fn j41_what_cannot_be_asked_is_neither_yes_nor_no() {
    let app = App::new().await;
    let (one, token) = signed_in(&app, "acme", "owner").await;
    // The tenant is known from memory, so that it is the credential that cannot be checked.
    let store = MemoryTenantStore::new(app.clock.clone());
    let acme = NewTenant::new(one.tenant, "acme".parse().unwrap(), "Acme", Isolation::Shared);
    store.insert(acme).await.unwrap();
    store.mark_ready(one.tenant).await.unwrap();
    let state = AppState { store: std::sync::Arc::new(store), ..app.state() };
    let router = app::router(state, resolvers()).unwrap();
    let bearer = format!("Bearer {token}");
    let read = async || {
        let headers = [("authorization", &*bearer)];
        ask(router.clone(), ("GET", "/t/acme/api/v1/tenant"), &headers, Value::Null).await
    };
    assert_eq!(read().await.status, 200);
    let name = app.world().database();
    let sql = format!(
        "alter database {name} with allow_connections false;
         select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    );
    app.world().server().run("postgres", &sql).await;
    let mut answer = read().await;
    for _ in 0..5 * LOOKS.0 {
        // From memory, until it is noticed that nothing is heard; then not at all.
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        if answer.status == 503 {
            break;
        }
        tokio::time::sleep(LOOKS.1).await;
        answer = read().await;
    }
    for _ in 0..20 {
        let answer = read().await;
        assert_eq!(answer.told(), (503, "verifier_unavailable"));
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(answer.challenge(), "");
    }
    let sql = format!("alter database {name} with allow_connections true");
    app.world().server().run("postgres", &sql).await;
}

#[tokio::test]
async fn j43_an_old_proof_does_not_change_how_one_signs_in() {
    let app = App::new().await;
    let (one, token) = signed_in(&app, "acme", "owner").await;
    let enrol = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer)];
        at(&app, "acme", ("POST", "/auth/second-factor/enrol"), &headers, Value::Null).await
    };
    let claims = owners::claims(one.user, one.session, Some(one.tenant));
    let old = app.clock.now().min(claims.iat) - chrono::TimeDelta::hours(1);
    let old = owners::sign(app.identity(), &claims.proved(old, ["pwd"]));
    let refused = enrol(&old).await;
    assert_eq!(refused.told(), (401, "step_up_required"));
    let challenge = refused.challenge();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    assert!(challenge.contains(r#"max_age="900""#), "{challenge}");
    let enrolled = enrol(&token).await;
    assert_eq!(enrolled.status, 200);
    assert!(enrolled.body["url"].as_str().unwrap().starts_with("otpauth://totp/"));
}

#[tokio::test]
async fn j44_who_acts_for_another_does_nothing_critical() {
    let app = App::new().await;
    let (one, _) = signed_in(&app, "acme", "owner").await;
    let root = person(&app, "root@saas.test", &[]).await;
    let acting = owners::claims(one.user, one.session, Some(one.tenant)).acted_by(root);
    let acting = owners::sign(app.identity(), &acting);
    // Nobody acts for others who does not run the application.
    assert_eq!(members(&app, "acme", &acting).await.told(), (401, "invalid_token"));
    app.identity().operator.set_staff(root, Staff::SuperAdmin).await.unwrap();
    until(&app, "acme", &acting, (200, "")).await;
    let bearer = format!("Bearer {acting}");
    let headers = [("authorization", &*bearer)];
    let me = at(&app, "acme", ("GET", "/me"), &headers, Value::Null).await;
    assert_eq!(me.body["impersonator"], json!(root));
    let may: Vec<&str> =
        me.body["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(may.contains(&"members:read"));
    for permission in membership::access::perm::CATALOGUE.iter() {
        let is_critical = permission.risk == Risk::Critical;
        assert_eq!(may.contains(&permission.name), !is_critical, "{}", permission.name);
    }
    let sessions = at(&app, "acme", ("GET", "/auth/sessions"), &headers, Value::Null).await;
    assert_eq!(sessions.told(), (403, "impersonation_forbidden"));
}

#[tokio::test]
async fn staff_is_staff_only_where_there_is_no_tenant() {
    let app = App::new().await;
    let root = person(&app, "root@saas.test", &[("acme", "viewer")]).await;
    app.identity().operator.set_staff(root, Staff::SuperAdmin).await.unwrap();
    let me = async |user: UserId, session: SessionId, tenant, target: &str| {
        let claims = owners::claims(user, session, tenant).in_epoch(2);
        let bearer = format!("Bearer {}", owners::sign(app.identity(), &claims));
        ask(app.strict_router(), ("GET", target), &[("authorization", &bearer)], Value::Null).await
    };
    let session = owners::sign_in(app.world(), root, None).await;
    let free = me(root, session, None, "/api/v1/me").await;
    assert_eq!((free.status, &free.body["super_admin"]), (200, &json!(true)), "{free:?}");
    let acme = app.tenant("acme").await.id;
    let session = owners::sign_in(app.world(), root, Some(acme)).await;
    let bound = me(root, session, Some(acme), "/t/acme/api/v1/me").await;
    assert_eq!((bound.status, &bound.body["super_admin"]), (200, &json!(false)), "{bound:?}");
    assert_eq!(bound.body["role"], "viewer");
}
