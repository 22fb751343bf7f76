//! One member: made, read, changed, deactivated, and seen by its own tenant only.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, member};

#[tokio::test]
async fn a_member_that_was_made_can_be_read_at_its_location() {
    let app = App::with_all_isolations().await;
    for tenant in ["acme", "globex", "initech"] {
        let kind = app.add_type(tenant, "Individual").await;
        let mut body = member(&kind, 1);
        body["first_name"] = json!(" Zoë 🎉 ");
        let (status, headers, made) = app.request("POST", "/members", tenant, body).await;
        assert_eq!((status.as_u16(), headers["etag"].to_str().unwrap()), (201, "\"1\""));
        assert_eq!(made["first_name"], "Zoë 🎉");
        assert_eq!(made["status"], "active");
        assert_eq!(made["membership_type"], json!({"id": kind, "name": "Individual"}));
        let location = headers["location"].to_str().unwrap();
        let path = location.strip_prefix(&format!("/t/{tenant}/api/v1")).unwrap();
        let (status, headers, read) = app.request("GET", path, tenant, Value::Null).await;
        assert_eq!((status.as_u16(), headers["etag"].to_str().unwrap()), (200, "\"1\""));
        assert_eq!(read, made);
    }
}

#[tokio::test]
async fn an_address_is_unique_within_its_tenant_whatever_its_case() {
    let app = App::new().await;
    let acme = app.add_type("acme", "Individual").await;
    let hooli = app.add_type("hooli", "Individual").await;
    app.add_member("acme", &acme, 1).await;
    let mut body = member(&acme, 1);
    body["email"] = json!("MEMBER1@Example.com");
    let (status, _, answer) = app.request("POST", "/members", "acme", body).await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("email_taken")));
    app.add_member("hooli", &hooli, 1).await;
    assert_eq!(app.total("acme", "").await, 1);
}

#[tokio::test]
async fn another_tenants_member_looks_like_one_that_does_not_exist() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Individual").await;
    app.add_type("hooli", "Individual").await;
    let id = app.add_member("acme", &kind, 1).await["id"].as_str().unwrap().to_owned();
    let absent = Uuid::from_u128(7).to_string();
    let star = [("if-match", "*")];
    for (method, body) in [("GET", Value::Null), ("PUT", member(&kind, 2)), ("DELETE", Value::Null)]
    {
        let mut answers = Vec::new();
        for id in [&id, &absent] {
            let path = format!("/members/{id}");
            let (status, _, mut answer) =
                app.request_with(method, &path, "hooli", &star, body.clone()).await;
            answer["request_id"] = Value::Null;
            answers.push((status.as_u16(), answer));
        }
        assert_eq!(answers[0].0, 404, "{method}");
        assert_eq!(answers[0], answers[1], "{method}");
    }
    assert_eq!(app.status(id.parse().unwrap()).await, "active");
}

#[tokio::test]
async fn another_tenants_membership_type_is_unknown() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Individual").await;
    let (status, _, answer) = app.request("POST", "/members", "hooli", member(&kind, 1)).await;
    assert_eq!(status, 422);
    assert_eq!(answer["errors"][0]["field"], "membership_type_id");
    assert_eq!(app.total("hooli", "").await, 0);
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Individual").await;
    let id = app.add_member("acme", &kind, 1).await["id"].as_str().unwrap().to_owned();
    let path = format!("/members/{id}");
    let put = async |tag: &[(&str, &str)], n: usize| {
        let (status, headers, _) =
            app.request_with("PUT", &path, "acme", tag, member(&kind, n)).await;
        (status.as_u16(), headers.get("etag").map(|tag| tag.to_str().unwrap().to_owned()))
    };
    assert_eq!(put(&[], 2).await, (428, None));
    assert_eq!(put(&[("if-match", "nonsense")], 2).await, (400, None));
    assert_eq!(put(&[("if-match", "W/\"1\"")], 2).await, (412, None));
    assert_eq!(put(&[("if-match", "\"1\"")], 2).await, (200, Some("\"2\"".to_owned())));
    assert_eq!(put(&[("if-match", "\"1\"")], 3).await, (412, None));
    assert_eq!(put(&[("if-match", "*")], 3).await, (200, Some("\"3\"".to_owned())));
    let (_, _, read) = app.request("GET", &path, "acme", Value::Null).await;
    assert_eq!(read["email"], "member3@example.com");
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_refused() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Individual").await;
    let id = app.add_member("acme", &kind, 1).await["id"].as_str().unwrap().to_owned();
    let path = format!("/members/{id}");
    let tag = [("if-match", "\"1\"")];
    let put = |n| app.request_with("PUT", &path, "acme", &tag, member(&kind, n));
    let (a, b) = tokio::join!(put(2), put(3));
    let mut statuses = [a.0.as_u16(), b.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn deleting_deactivates_and_may_be_repeated() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Individual").await;
    let id = app.add_member("acme", &kind, 1).await["id"].as_str().unwrap().to_owned();
    let path = format!("/members/{id}");
    let stale = [("if-match", "\"9\"")];
    let (status, ..) = app.request_with("DELETE", &path, "acme", &stale, Value::Null).await;
    assert_eq!(status, 412);
    for _ in 0..2 {
        let (status, ..) = app.request("DELETE", &path, "acme", Value::Null).await;
        assert_eq!(status, 204);
    }
    let (_, _, read) = app.request("GET", &path, "acme", Value::Null).await;
    assert_eq!((&read["status"], &read["version"]), (&json!("inactive"), &json!(2)));
    assert_eq!(app.total("acme", "status=inactive").await, 1);
    assert_eq!(app.total("acme", "status=active").await, 0);
}
