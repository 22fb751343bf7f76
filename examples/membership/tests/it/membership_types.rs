//! `/membership-types`, as a client meets them.

use serde_json::{Value, json};

use crate::app::App;

fn gold() -> Value {
    json!({
        "name": "Gold", "price": {"amount": 9900, "currency": "EUR"}, "interval": "year",
        "features": ["Sauna", "Guest passes"],
    })
}

#[tokio::test]
async fn a_type_is_made_read_changed_and_deleted() {
    let app = App::with_all_isolations().await;
    for tenant in ["acme", "globex", "initech"] {
        let (status, headers, made) =
            app.request("POST", "/membership-types", tenant, gold()).await;
        assert_eq!((status.as_u16(), headers["etag"].to_str().unwrap()), (201, "\"1\""));
        let id = made["id"].as_str().unwrap();
        let path = format!("/membership-types/{id}");
        assert_eq!(headers["location"].to_str().unwrap(), format!("/t/{tenant}/api/v1{path}"));
        let (_, _, list) = app.request("GET", "/membership-types", tenant, Value::Null).await;
        assert_eq!(list, json!({"membership_types": [made]}));
        for (name, value) in gold().as_object().unwrap() {
            assert_eq!(&made[name], value);
        }
        let mut change = gold();
        change["price"]["amount"] = json!(0);
        let (status, ..) = app.request("PUT", &path, tenant, change.clone()).await;
        assert_eq!(status, 428);
        let tag = [("if-match", "\"1\"")];
        let (status, _, changed) =
            app.request_with("PUT", &path, tenant, &tag, change.clone()).await;
        assert_eq!((status.as_u16(), &changed["price"]["amount"]), (200, &json!(0)));
        let (status, ..) = app.request_with("PUT", &path, tenant, &tag, change).await;
        assert_eq!(status, 412);
        let (status, ..) = app.request_with("DELETE", &path, tenant, &tag, Value::Null).await;
        assert_eq!(status, 412);
        let (status, ..) = app.request("DELETE", &path, tenant, Value::Null).await;
        assert_eq!(status, 204);
        let (status, ..) = app.request("GET", &path, tenant, Value::Null).await;
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn names_differ_by_more_than_case_within_a_tenant() {
    let app = App::new().await;
    app.add_type("acme", "Gold").await;
    app.add_type("hooli", "Gold").await;
    let mut body = gold();
    body["name"] = json!("GOLD");
    let (status, _, answer) = app.request("POST", "/membership-types", "acme", body).await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("name_taken")));
}

#[tokio::test]
async fn a_type_that_members_belong_to_stays() {
    let app = App::new().await;
    let id = app.add_type("acme", "Gold").await;
    app.add_member("acme", &id, 1).await;
    let path = format!("/membership-types/{id}");
    let (status, _, answer) = app.request("DELETE", &path, "acme", Value::Null).await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("membership_type_in_use")));
    let (status, ..) = app.request("DELETE", &path, "hooli", Value::Null).await;
    assert_eq!(status, 404);
    let (status, ..) = app.request("GET", &path, "acme", Value::Null).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn bad_fields_are_named() {
    let app = App::new().await;
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!("a\u{0}"), "name"),
        ("price", json!({"amount": -1, "currency": "EUR"}), "price.amount"),
        ("price", json!({"amount": 1.5, "currency": "EUR"}), "price.amount"),
        ("price", json!({"amount": 1, "currency": "€"}), "price.currency"),
        ("price", json!({"amount": 1, "currency": "EUR", "tax": 0}), "price.tax"),
        ("price", json!(12), "price"),
        ("interval", json!("day"), "interval"),
        ("features", json!(["a\u{7}"]), "features"),
        ("features", json!([1]), "features.0"),
        ("id", json!(1), "id"),
    ] {
        let mut body = gold();
        body[field] = value;
        let (status, _, answer) = app.request("POST", "/membership-types", "acme", body).await;
        assert_eq!((status.as_u16(), &answer["errors"][0]["field"]), (422, &json!(named)));
    }
    let (_, _, list) = app.request("GET", "/membership-types", "acme", Value::Null).await;
    assert_eq!(list, json!({"membership_types": []}));
}
