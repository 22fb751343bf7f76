//! The audit log as its readers meet it.

use serde_json::{Value, json};

use super::{at, bearer, signed_in, with};
use crate::app::App;

const NOTHING: Value = Value::Null;

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
    let verdict = with(&app, "acme", &token, ("POST", "/audit/verify"), NOTHING).await;
    assert_eq!((verdict.status, &verdict.body["sound"]), (200, &json!(true)), "{verdict:?}");
    assert!(verdict.body["checked"].as_u64().unwrap() > 0);
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
    assert!(csv.contains("audit.export"), "that it was taken is in it: {csv}");
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
