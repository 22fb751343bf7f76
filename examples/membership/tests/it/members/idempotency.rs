//! Requests with an `Idempotency-Key`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{Answer, App, member};

async fn create(app: &App, key: &str, body: Value) -> Answer {
    app.request_with("POST", "/members", "acme", &[("idempotency-key", key)], body).await
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_makes_nothing() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let (status, first_headers, first) = create(&app, "k-1", member(&kind, 1)).await;
    assert_eq!((status.as_u16(), first_headers.get("idempotency-replayed")), (201, None));
    let (status, headers, second) = create(&app, "k-1", member(&kind, 1)).await;
    assert_eq!((status.as_u16(), second), (201, first));
    assert_eq!(headers["idempotency-replayed"], "true");
    for name in ["location", "etag", "content-type"] {
        assert_eq!(headers[name], first_headers[name]);
    }
    assert_eq!(app.total("acme", "").await, 1);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_tenant() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let other = app.add_type("hooli", "Adult").await;
    create(&app, "k-1", member(&kind, 1)).await;
    let (status, _, answer) = create(&app, "k-1", member(&kind, 2)).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("idempotency_key_reused")));
    let key = [("idempotency-key", "k-1")];
    let body = json!({"name": "x", "price": {"amount": 1, "currency": "EUR"}, "interval": "year"});
    let (status, ..) = app.request_with("POST", "/membership-types", "acme", &key, body).await;
    assert_eq!(status, 422);
    let (status, headers, _) =
        app.request_with("POST", "/members", "hooli", &key, member(&other, 1)).await;
    assert_eq!((status.as_u16(), headers.get("idempotency-replayed")), (201, None));
}

#[tokio::test]
async fn a_request_that_failed_can_be_repeated_with_its_key() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let taken = app.add_member("acme", &kind, 1).await["id"].as_str().unwrap().to_owned();
    let (status, ..) = create(&app, "k-1", member(&kind, 1)).await;
    assert_eq!(status, 409);
    let path = format!("/members/{taken}");
    let star = [("if-match", "*")];
    app.request_with("PUT", &path, "acme", &star, member(&kind, 2)).await;
    let (status, ..) = create(&app, "k-1", member(&kind, 1)).await;
    assert_eq!(status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_equal_requests_at_once_one_makes_the_member_and_all_get_it() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let one = |_| create(&app, "k-1", member(&kind, 1));
    let answers = futures_util::future::join_all((0..8).map(one)).await;
    let fresh = answers.iter().filter(|answer| !answer.1.contains_key("idempotency-replayed"));
    assert_eq!(fresh.count(), 1);
    assert!(answers.iter().all(|answer| answer.0 == 201 && answer.2 == answers[0].2));
    assert_eq!(app.total("acme", "").await, 1);
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day_and_its_row_goes() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    create(&app, "k-1", member(&kind, 1)).await;
    create(&app, "k-2", member(&kind, 2)).await;
    app.hand.advance(Duration::from_secs(25 * 3600));
    let (status, headers, _) = create(&app, "k-1", member(&kind, 3)).await;
    assert_eq!((status.as_u16(), headers.get("idempotency-replayed")), (201, None));
    assert_eq!(app.count("select count(*) from app.idempotency_keys").await, 1);
}
