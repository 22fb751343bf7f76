//! One change to many members.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

async fn populated() -> (App, String, Vec<String>) {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(app.add_member("acme", &kind, n).await["id"].as_str().unwrap().to_owned());
    }
    (app, kind, ids)
}

#[tokio::test]
async fn members_named_by_id_are_changed_and_told_one_by_one() {
    let (app, _, ids) = populated().await;
    let body = json!({"action": "suspend", "member_ids": [ids[2], ids[0], ids[2]]});
    let (status, _, answer) = app.request("POST", "/members/bulk", "acme", body.clone()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["results"], json!([{"id": ids[0], "ok": true}, {"id": ids[2], "ok": true}]));
    assert_eq!(app.total("acme", "status=suspended").await, 2);
    let (_, _, again) = app.request("POST", "/members/bulk", "acme", body).await;
    assert_eq!(again["results"][0], json!({"id": ids[0], "ok": true, "code": "unchanged"}));
    assert_eq!((&again["matched"], &again["changed"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn one_foreign_or_unknown_id_refuses_the_whole_change() {
    let (app, _, ids) = populated().await;
    let other = app.add_type("hooli", "Adult").await;
    let foreign = app.add_member("hooli", &other, 1).await["id"].clone();
    for stranger in [foreign.clone(), json!(Uuid::from_u128(7))] {
        let body = json!({"action": "suspend", "member_ids": [ids[0], stranger]});
        let (status, _, answer) = app.request("POST", "/members/bulk", "acme", body).await;
        assert_eq!((status.as_u16(), &answer["code"]), (404, &json!("not_found")));
    }
    assert_eq!(app.total("acme", "status=suspended").await, 0);
    assert_eq!(app.total("hooli", "status=suspended").await, 0);
    let id = foreign.as_str().unwrap().parse().unwrap();
    assert_eq!(app.status(id).await, "active");
}

#[tokio::test]
async fn a_filter_changes_all_that_match_and_nobody_else() {
    let (app, _, ids) = populated().await;
    let other = app.add_type("hooli", "Adult").await;
    app.add_member("hooli", &other, 1).await;
    let suspend = json!({"action": "suspend", "member_ids": [ids[0]]});
    app.request("POST", "/members/bulk", "acme", suspend).await;
    let body = json!({"action": "deactivate", "filter": {"status": "active"}});
    let (_, _, answer) = app.request("POST", "/members/bulk", "acme", body).await;
    assert_eq!((&answer["matched"], &answer["changed"]), (&json!(4), &json!(4)));
    assert_eq!(app.total("acme", "status=inactive").await, 4);
    assert_eq!(app.total("acme", "status=suspended").await, 1);
    assert_eq!(app.total("hooli", "status=active").await, 1);
    let body = json!({"action": "activate", "filter": {"search": "member3@"}});
    let (_, _, answer) = app.request("POST", "/members/bulk", "acme", body).await;
    assert_eq!(answer["results"], json!([{"id": ids[3], "ok": true}]));
}

#[tokio::test]
async fn members_move_to_another_type_of_their_tenant_only() {
    let (app, kind, _) = populated().await;
    let child = app.add_type("acme", "Child").await;
    let foreign = app.add_type("hooli", "Child").await;
    let to = |id: &str| json!({"action": "change_type", "filter": {}, "data": {"membership_type_id": id}});
    let (status, _, answer) = app.request("POST", "/members/bulk", "acme", to(&foreign)).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("validation_failed")));
    let (status, ..) = app.request("POST", "/members/bulk", "acme", to(&child)).await;
    assert_eq!(status, 200);
    assert_eq!(app.total("acme", &format!("membership_type={child}")).await, 5);
    assert_eq!(app.total("acme", &format!("membership_type={kind}")).await, 0);
}

#[tokio::test]
async fn a_change_of_nobody_is_told_as_such() {
    let (app, ..) = populated().await;
    let body = json!({"action": "activate", "filter": {"status": "pending"}});
    let (status, _, answer) = app.request("POST", "/members/bulk", "acme", body).await;
    assert_eq!((status.as_u16(), &answer["results"]), (200, &Value::Array(Vec::new())));
}
