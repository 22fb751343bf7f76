//! What the application's own staff does to tenants.

use membership::state::AppState;
use saas_core::{Clock, UserId};
use saas_rbac::operate::Staff;
use serde_json::{Value, json};

use super::{Answer, ask, bearer, person, signed_in, with};
use crate::app::{App, owners, resolvers};

const NOTHING: Value = Value::Null;

/// Somebody of the staff, and their token for no tenant.
async fn staff(app: &App) -> (UserId, String) {
    let root = person(app, "root@saas.test", &[]).await;
    app.identity().operator.set_staff(root, Staff::SuperAdmin).await.unwrap();
    let session = owners::sign_in(app.world(), root, None).await;
    let claims = owners::claims(root, session, None).in_epoch(2);
    (root, owners::sign(app.identity(), &claims))
}

/// Asks the host without a tenant.
async fn apex(app: &App, token: &str, (method, path): (&str, &str), body: Value) -> Answer {
    let target = format!("/api/v1{path}");
    let bearer = bearer(token);
    let headers = [("authorization", &*bearer)];
    // Sessions are made by the time of whoever reads them.
    let state = AppState { clock: Clock::system(), ..app.state() };
    let router = membership::app::router(state, resolvers()).unwrap();
    ask(router, (method, &target), &headers, body).await
}

#[tokio::test]
async fn staff_stops_a_tenant_and_both_logs_say_so() {
    let app = App::new().await;
    let (root, token) = staff(&app).await;
    let (_, owner) = signed_in(&app, "acme", "owner").await;
    let list = apex(&app, &token, ("GET", "/admin/tenants?limit=1"), NOTHING).await;
    assert_eq!(list.body["tenants"].as_array().unwrap().len(), 1, "{list:?}");
    let next = format!("/admin/tenants?after={}", list.body["next_after"].as_str().unwrap());
    let next = apex(&app, &token, ("GET", &next), NOTHING).await;
    assert_eq!(
        (next.body["tenants"].as_array().unwrap().len(), &next.body["next_after"]),
        (1, &json!(null))
    );

    let acme = app.tenant("acme").await.id;
    let suspend = format!("/admin/tenants/{acme}/suspend");
    assert_eq!(apex(&app, &token, ("POST", &suspend), json!({})).await.status, 422);
    let because = json!({ "reason": "unpaid" });
    let done = apex(&app, &token, ("POST", &suspend), because.clone()).await;
    assert_eq!((done.status, &done.body["status"]), (200, &json!("suspended")), "{done:?}");
    let members = with(&app, "acme", &owner, ("GET", "/members"), NOTHING).await;
    assert_eq!(members.told(), (403, "tenant_suspended"));
    let resume = format!("/admin/tenants/{acme}/resume");
    assert_eq!(apex(&app, &token, ("POST", &resume), because.clone()).await.status, 200);
    let twice = apex(&app, &token, ("POST", &resume), because).await;
    assert_eq!(twice.told(), (409, "not_suspended"));

    let log = with(&app, "acme", &owner, ("GET", "/audit?action=tenant"), NOTHING).await;
    let entries = log.body["entries"].as_array().unwrap();
    assert_eq!(entries[1]["action"], "tenant.suspend", "{log:?}");
    assert_eq!(entries[1]["actor"]["id"], json!(root));
    assert_eq!(entries[1]["reason"], "unpaid");
    assert_eq!(entries[1]["changes"]["after"], json!({ "status": "suspended" }));
    let system = format!(
        "select count(*) from saas_tenancy.system_audit
         where actor = 'user {root}' and reason = 'tenant.update'"
    );
    assert_eq!(app.count(&system).await, 2);
}

#[tokio::test]
async fn staff_acts_for_somebody_within_bounds_and_both_logs_say_so() {
    let app = App::new().await;
    let (root, token) = staff(&app).await;
    let (owner, owner_token) = signed_in(&app, "acme", "owner").await;
    let body = json!({
        "tenant_id": owner.tenant, "user_id": owner.user, "reason": "ticket 4711", "minutes": 10,
    });
    let begun = apex(&app, &token, ("POST", "/admin/impersonate"), body.clone()).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let acting = begun.token();
    assert_eq!(with(&app, "acme", &acting, ("GET", "/members"), NOTHING).await.status, 200);
    let me = with(&app, "acme", &acting, ("GET", "/me"), NOTHING).await;
    assert_eq!(me.body["impersonator"], json!(root));
    let critical = with(&app, "acme", &acting, ("GET", "/api-keys"), NOTHING).await;
    assert_eq!(critical.told(), (403, "impersonation_forbidden"));
    let leave = format!("/team/{}", owner.user);
    let leave = with(&app, "acme", &acting, ("DELETE", &leave), NOTHING).await;
    assert_eq!(leave.told(), (403, "session_required"));

    let list = apex(&app, &token, ("GET", "/admin/impersonate"), NOTHING).await;
    assert_eq!(list.body["impersonations"][0]["reason"], "ticket 4711");
    let end = format!("/admin/impersonate/{}", begun.body["impersonation"]["id"].as_str().unwrap());
    assert_eq!(apex(&app, &token, ("DELETE", &end), NOTHING).await.status, 204);
    let mut told = 200;
    for _ in 0..100 {
        told = with(&app, "acme", &acting, ("GET", "/members"), NOTHING).await.status;
        if told == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(told, 401);
    let log = "/audit?action=impersonation";
    let log = with(&app, "acme", &owner_token, ("GET", log), NOTHING).await;
    let actions: Vec<_> =
        log.body["entries"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
    assert_eq!(actions, ["impersonation.end", "impersonation.begin"]);
    assert_eq!(log.body["entries"][1]["actor"]["by"], json!(root));
    let system = format!(
        "select count(*) from saas_tenancy.system_audit
         where actor = 'user {root}' and reason like 'impersonation.%'"
    );
    assert_eq!(app.count(&system).await, 2);
    let long = json!({
        "tenant_id": owner.tenant, "user_id": owner.user, "reason": "x", "minutes": 61,
    });
    assert_eq!(apex(&app, &token, ("POST", "/admin/impersonate"), long).await.status, 422);
}

#[tokio::test]
async fn nobody_else_is_staff_and_no_tenants_host_has_these_routes() {
    let app = App::new().await;
    let (_, root) = staff(&app).await;
    let (owner, bound) = signed_in(&app, "acme", "owner").await;
    let session = owners::sign_in(app.world(), owner.user, None).await;
    let free = owners::token(app.identity(), owner.user, session, None);
    let list = ("GET", "/admin/tenants");
    for token in [&bound, &free] {
        assert_eq!(apex(&app, token, list, NOTHING).await.status, 403);
    }
    let nobody = ask(app.strict_router(), ("GET", "/api/v1/admin/tenants"), &[], NOTHING).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(with(&app, "acme", &bound, list, NOTHING).await.told(), (404, "not_found"));
    assert_eq!(with(&app, "acme", &root, list, NOTHING).await.told(), (403, "tenant_mismatch"));
}
