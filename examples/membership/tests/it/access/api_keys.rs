//! The routes with which people make keys for programs.

use serde_json::{Value, json};

use super::{at, bearer, signed_in, with};
use crate::app::App;

const NOTHING: Value = Value::Null;

#[tokio::test]
async fn a_key_is_shown_once_used_rotated_and_revoked() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let body = json!({ "name": "import", "scopes": ["members:read"] });
    let auth = bearer(&admin);
    let headers = [("authorization", &*auth), ("idempotency-key", "one")];
    let made = at(&app, "acme", ("POST", "/api-keys"), &headers, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("sk_"));
    let again = at(&app, "acme", ("POST", "/api-keys"), &headers, body).await;
    assert_eq!((again.status, &again.body["id"]), (201, &made.body["id"]));
    assert!(again.body.get("secret").is_none(), "shown once");
    let list = with(&app, "acme", &admin, ("GET", "/api-keys"), NOTHING).await;
    assert_eq!(list.body["api_keys"].as_array().unwrap().len(), 1);
    assert!(!list.body.to_string().contains(&secret));
    for field in ["id", "name", "prefix", "scopes", "last_used_at", "expires_at"] {
        assert!(list.body["api_keys"][0].get(field).is_some(), "{field}");
    }

    let members = ("GET", "/members");
    assert_eq!(with(&app, "acme", &secret, members, NOTHING).await.status, 200);
    let path = format!("/api-keys/{}", made.body["id"].as_str().unwrap());
    let rotate = format!("{path}/rotate");
    let rotated = with(&app, "acme", &admin, ("POST", &rotate), NOTHING).await;
    let next = rotated.body["secret"].as_str().unwrap().to_owned();
    assert_ne!(next, secret);
    for good in [&secret, &next] {
        assert_eq!(with(&app, "acme", good, members, NOTHING).await.status, 200, "overlap");
    }
    let (_, other) = signed_in(&app, "acme", "admin").await;
    let refused = with(&app, "acme", &other, ("POST", &rotate), NOTHING).await;
    assert_eq!(refused.told(), (403, "not_the_owner"));
    assert_eq!(with(&app, "acme", &other, ("DELETE", &path), NOTHING).await.status, 204);
    let mut told = 200;
    for _ in 0..100 {
        told = with(&app, "acme", &next, members, NOTHING).await.status;
        if told == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(told, 401);
}

#[tokio::test]
async fn nobody_gives_a_key_more_than_they_have() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let create = async |scopes: Value| {
        let body = json!({ "name": "import", "scopes": scopes });
        with(&app, "acme", &admin, ("POST", "/api-keys"), body).await
    };
    assert_eq!(create(json!(["billing:manage"])).await.told(), (403, "not_grantable"));
    for wrong in [json!([]), json!(["members:fly"])] {
        assert_eq!(create(wrong).await.status, 422);
    }
    // A key does not make another one with more than itself.
    let made = create(json!(["api_keys:manage", "members:read"])).await;
    let key = made.body["secret"].as_str().unwrap();
    let body = json!({ "name": "more", "scopes": ["members:export"] });
    let refused = with(&app, "acme", key, ("POST", "/api-keys"), body).await;
    assert_eq!(refused.told(), (403, "not_grantable"));
}
