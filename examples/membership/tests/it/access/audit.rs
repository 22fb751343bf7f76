//! The audit log as its readers meet it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{PASSWORD, ask, at, bearer, signed_in, with};
use crate::app::App;

const NOTHING: Value = Value::Null;

/// How often something that comes by itself is looked for, and how long to wait in between.
const LOOKS: (usize, Duration) = (500, Duration::from_millis(20));

#[tokio::test]
async fn the_log_is_read_in_pages_and_by_what_one_looks_for() {
    let app = App::new().await;
    let (owner, token) = signed_in(&app, "acme", "owner").await;
    let (_, viewer) = signed_in(&app, "acme", "viewer").await;
    let kind = app.add_type("acme", "Gold").await;
    for n in 0..3 {
        let body = crate::app::member(&kind, n);
        assert_eq!(with(&app, "acme", &token, ("POST", "/members"), body).await.status, 201);
    }
    let first = ("GET", "/audit?action=member.create&limit=2");
    let first = with(&app, "acme", &token, first, NOTHING).await;
    let entries = first.body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{first:?}");
    assert_eq!(entries[0]["changes"]["after"]["email"], "member2@example.com", "newest first");
    assert_eq!(entries[0]["actor"], json!({ "kind": "user", "id": owner.user }));
    assert_eq!(entries[0]["client"]["credential"], json!(owner.session));
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let next = format!("/audit?action=member.create&limit=2&cursor={cursor}");
    let next = with(&app, "acme", &token, ("GET", &next), NOTHING).await;
    assert_eq!(next.body["entries"].as_array().unwrap().len(), 1);
    assert_eq!(next.body["next_cursor"], NOTHING);

    let count = async |filter: String| {
        let path = format!("/audit?{filter}");
        let page = with(&app, "acme", &token, ("GET", &path), NOTHING).await;
        page.body["entries"].as_array().unwrap_or_else(|| panic!("{page:?}")).len()
    };
    assert_eq!(count(format!("actor={}&action=member", owner.user)).await, 3);
    assert_eq!(count("target_kind=membership_type".to_owned()).await, 1);
    assert_eq!(count(format!("target_id={kind}")).await, 1);
    assert_eq!(count("outcome=refused".to_owned()).await, 0);
    assert_eq!(count("action=member&to=2000-01-01T00:00:00Z".to_owned()).await, 0);
    for wrong in ["cursor=x", "limit=0", "outcome=maybe", "actor=me", "from=monday", "colour=red"] {
        let path = format!("/audit?{wrong}");
        assert_eq!(
            with(&app, "acme", &token, ("GET", &path), NOTHING).await.status,
            422,
            "{wrong}"
        );
    }
    let refused = with(&app, "acme", &viewer, ("GET", "/audit"), NOTHING).await;
    assert_eq!(refused.told(), (403, "permission_denied"));
}

#[tokio::test]
async fn whoever_is_refused_is_in_the_log_with_where_they_came_from() {
    let app = App::new().await;
    let (viewer, viewer_token) = signed_in(&app, "acme", "viewer").await;
    let (_, owner) = signed_in(&app, "acme", "owner").await;
    let auth = bearer(&viewer_token);
    let headers = [("authorization", &*auth), ("user-agent", "curl/8")];
    let path = format!("/team/{}", viewer.user);
    let refused = at(&app, "acme", ("PUT", &path), &headers, json!({ "role": "owner" })).await;
    assert_eq!(refused.told(), (403, "permission_denied"));
    let log = with(&app, "acme", &owner, ("GET", "/audit?outcome=refused"), NOTHING).await;
    let entries = log.body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{log:?}");
    let entry = &entries[0];
    assert_eq!(entry["action"], "access.refused");
    assert_eq!(entry["reason"], "permission_denied");
    assert_eq!(entry["target"], json!({ "kind": "route", "id": "PUT /api/v1/team/{user_id}" }));
    assert_eq!(entry["actor"]["id"], json!(viewer.user));
    assert_eq!(entry["client"]["user_agent"], "curl/8");
    assert_eq!(entry["client"]["credential"], json!(viewer.session));
    assert_eq!(entry["request_id"], refused.body["request_id"]);
}

#[tokio::test]
async fn a_change_of_the_control_plane_names_the_device_and_no_secret() {
    let app = App::new().await;
    let (_, owner) = signed_in(&app, "acme", "owner").await;
    let auth = bearer(&owner);
    let headers = [("authorization", &*auth), ("user-agent", "curl/8")];
    let body = json!({ "name": "import", "scopes": ["members:read"] });
    let made = at(&app, "acme", ("POST", "/api-keys"), &headers, body).await;
    let log = with(&app, "acme", &owner, ("GET", "/audit?action=api_key.create"), NOTHING).await;
    assert_eq!(log.body["entries"][0]["client"]["user_agent"], "curl/8", "{log:?}");
    assert!(!log.body.to_string().contains(made.body["secret"].as_str().unwrap()));
}

#[tokio::test]
async fn the_log_is_verified_and_taken_home() {
    let app = App::new().await;
    let (_, token) = signed_in(&app, "acme", "owner").await;
    app.add_type("acme", "=Gold()").await;
    // What is still open anywhere on the server keeps later entries waiting for their seals.
    let mut checked = 0;
    for _ in 0..LOOKS.0 {
        let verdict = with(&app, "acme", &token, ("POST", "/audit/verify"), NOTHING).await;
        assert_eq!((verdict.status, &verdict.body["sound"]), (200, &json!(true)), "{verdict:?}");
        checked = verdict.body["checked"].as_u64().unwrap();
        // The owners, their type, and what was verified before.
        if checked > 3 {
            break;
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    assert!(checked > 3, "{checked} are sealed");
    let export = async |format: &str| {
        let path = format!("/audit/export?format={format}");
        let auth = bearer(&token);
        let headers = [("authorization", &*auth)];
        let (status, headers, bytes) = app.bytes("GET", &path, "acme", &headers, Vec::new()).await;
        assert_eq!(status, 200);
        assert!(headers["content-disposition"].to_str().unwrap().contains(format));
        String::from_utf8(bytes).unwrap()
    };
    let lines = export("ndjson").await;
    assert!(lines.lines().count() > 2 && lines.contains("membership_type.create"), "{lines}");
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let csv = export("csv").await;
    assert!(csv.contains("membership_type.create") && !csv.contains(",=Gold"), "{csv}");
    let noted = with(&app, "acme", &token, ("GET", "/audit?action=audit.export"), NOTHING).await;
    assert_eq!(noted.body["entries"].as_array().unwrap().len(), 2, "that it was taken is in it");
    // An administrator of the database is found out.
    app.as_superuser(
        "set session_replication_role = replica;
         alter table app.saas_audit disable trigger all;
         update app.saas_audit set target_id = 'x' where action = 'membership_type.create'",
    )
    .await;
    let verdict = with(&app, "acme", &token, ("POST", "/audit/verify"), NOTHING).await;
    assert_eq!((verdict.status, &verdict.body["sound"]), (200, &json!(false)), "{verdict:?}");
    assert_eq!(verdict.body["first_bad"]["why"], "edited");
}

#[tokio::test]
async fn the_log_of_a_new_tenant_begins_with_who_made_it() {
    let app = App::new().await;
    let body = json!({
        "name": "My Club", "slug": "my-club",
        "owner": { "name": "Ann", "email": "ann@my-club.test", "password": PASSWORD },
    });
    let made = ask(app.strict_router(), ("POST", "/api/v1/tenants"), &[], body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let log = with(&app, "my-club", &made.token(), ("GET", "/audit?action=tenant"), NOTHING).await;
    let entries = log.body["entries"].as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["action"]), (1, &json!("tenant.create")), "{log:?}");
    let me = with(&app, "my-club", &made.token(), ("GET", "/me"), NOTHING).await;
    assert_eq!(entries[0]["actor"]["id"], me.body["user"]["id"]);
    assert!(!log.body.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn a_change_that_is_refused_by_the_store_leaves_no_entry_of_it() {
    let app = App::new().await;
    let (_, token) = signed_in(&app, "acme", "owner").await;
    let auth = bearer(&token);
    let body = json!({
        "name": "Acme", "settings": { "time_zone": "Europe/Berlin", "currency": "EUR" },
    });
    let stale = [("authorization", &*auth), ("if-match", "\"999\"")];
    let refused = at(&app, "acme", ("PUT", "/tenant"), &stale, body.clone()).await;
    assert_eq!(refused.status, 412);
    let count = async || {
        let path = ("GET", "/audit?action=tenant.update");
        let log = with(&app, "acme", &token, path, NOTHING).await;
        log.body["entries"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 0);
    let any = [("authorization", &*auth), ("if-match", "*")];
    assert_eq!(at(&app, "acme", ("PUT", "/tenant"), &any, body).await.status, 200);
    assert_eq!(count().await, 1);
}
