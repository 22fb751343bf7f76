//! Bad input answers with a problem that names the field, and changes nothing.

use serde_json::{Value, json};

use crate::app::{App, member};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Status, code, and the first field that is wrong.
async fn post(app: &App, path: &str, body: impl Into<Vec<u8>>) -> (u16, String, String) {
    let (status, headers, body) = app.bytes("POST", path, "acme", &JSON, body.into()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers["content-type"], "application/problem+json", "{body}");
    assert!(body["request_id"].is_string() && body["title"].is_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (status.as_u16(), text(&body["code"]), text(&body["errors"][0]["field"]))
}

fn told(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.to_owned(), field.to_owned())
}

#[tokio::test]
async fn every_field_of_a_member_refuses_what_it_cannot_hold() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let huge = "x".repeat(500_000);
    let bad = [
        json!(null),
        json!(1),
        json!(-1.5e300),
        json!(true),
        json!([]),
        json!({}),
        json!([huge.clone()]),
        json!("a\u{0}b"),
        json!("a\u{1b}[31m"),
        json!(huge),
    ];
    for field in ["first_name", "last_name", "email", "status", "membership_type_id"] {
        for value in &bad {
            if field == "status" && value.is_null() {
                continue;
            }
            let mut body = member(&kind, 1);
            body[field] = value.clone();
            let answer = post(&app, "/members", body.to_string()).await;
            assert_eq!(answer, told(422, "validation_failed", field), "{field}: {value:.40}");
        }
    }
    for field in ["id", "tenant_id", "version", "created_at", "__proto__"] {
        let mut body = member(&kind, 1);
        body[field] = json!("x");
        let answer = post(&app, "/members", body.to_string()).await;
        assert_eq!(answer, told(422, "validation_failed", field));
    }
    assert_eq!(app.total("acme", "").await, 0);
}

#[tokio::test]
async fn sql_in_a_name_is_a_name() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let mut body = member(&kind, 1);
    body["last_name"] = json!("'); drop table members; --");
    let (status, _, made) = app.request("POST", "/members", "acme", body).await;
    assert_eq!(
        (status.as_u16(), made["last_name"].as_str().unwrap()),
        (201, "'); drop table members; --")
    );
    assert_eq!(app.total("acme", "search=%27%29%3B+drop").await, 1);
    assert_eq!(app.total("acme", "search=%5C").await, 0);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_malformed() {
    let app = App::new().await;
    for body in [
        &b""[..],
        b"{",
        b"{\"first_name\":\"\xff\"}",
        b"{\"first_name\":\"\\ud800\"}",
        b"\0",
        b"nul",
        &[b'['; 50_000],
    ] {
        let (status, code, _) = post(&app, "/members", body).await;
        assert_eq!((status, code.as_str()), (400, "malformed_json"));
    }
    assert_eq!(post(&app, "/members", "[]").await, told(422, "validation_failed", "body"));
    assert_eq!(post(&app, "/members", "\"a\"").await, told(422, "validation_failed", "body"));
    let plain = [("content-type", "text/plain")];
    for headers in [&plain[..], &[]] {
        let (status, ..) = app.bytes("POST", "/members", "acme", headers, b"{}".to_vec()).await;
        assert_eq!(status, 415);
    }
    let (status, code, _) = post(&app, "/members", vec![b' '; 3 * 1024 * 1024]).await;
    assert_eq!((status, code.as_str()), (413, "payload_too_large"));
}

#[tokio::test]
async fn bad_headers_and_paths_are_refused() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let long = "k".repeat(256);
    for key in ["", "a b", &long] {
        let headers = [("idempotency-key", key)];
        let (status, _, body) =
            app.request_with("POST", "/members", "acme", &headers, member(&kind, 1)).await;
        assert_eq!((status.as_u16(), &body["code"]), (400, &json!("invalid_idempotency_key")));
    }
    for id in ["1", "x", "%00", "00000000000000000000000000000007", "%7B%7D", "'--", "%FF"] {
        for method in ["GET", "PUT", "DELETE"] {
            for path in [format!("/members/{id}"), format!("/membership-types/{id}")] {
                let star = [("if-match", "*")];
                let (status, _, body) =
                    app.request_with(method, &path, "acme", &star, member(&kind, 1)).await;
                assert_eq!((status.as_u16(), &body["code"]), (404, &json!("not_found")), "{path}");
            }
        }
    }
    assert_eq!(app.total("acme", "").await, 0);
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let app = App::new().await;
    let (status, _, body) = app
        .request(
            "GET",
            "/members?page=0&limit=x&search=%00&status=%27&sort=tenant_id&q=1",
            "acme",
            Value::Null,
        )
        .await;
    assert_eq!(status, 422);
    let fields: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["page", "limit", "sort", "search", "status", "q"]);
    for query in ["format=xlsx", "status=x", "page=1", "search=%FF"] {
        let path = format!("/members/export?{query}");
        let (status, ..) = app.request("GET", &path, "acme", Value::Null).await;
        assert_eq!(status, 422, "{query}");
    }
}

#[tokio::test]
async fn bad_bulk_changes_are_refused() {
    let app = App::new().await;
    for (body, field) in [
        (json!({}), "action"),
        (json!({"action": "erase", "filter": {}}), "action"),
        (json!({"action": "suspend"}), "member_ids"),
        (json!({"action": "suspend", "member_ids": ["x"]}), "member_ids.0"),
        (json!({"action": "suspend", "member_ids": "x"}), "member_ids"),
        (json!({"action": "suspend", "filter": {"tenant": "x"}}), "filter.tenant"),
        (json!({"action": "suspend", "filter": {"search": "a\u{0}"}}), "filter.search"),
        (json!({"action": "change_type", "filter": {}}), "data.membership_type_id"),
        (json!({"action": "suspend", "filter": {}, "sudo": true}), "sudo"),
    ] {
        let answer = post(&app, "/members/bulk", body.to_string()).await;
        assert_eq!(answer, told(422, "validation_failed", field), "{body}");
    }
}
