//! Roles that tenants make, and why somebody may do something.

use serde_json::{Value, json};

use super::{at, bearer, signed_in, with};
use crate::app::App;

const NOTHING: Value = Value::Null;

#[tokio::test]
async fn a_role_is_made_looked_at_changed_and_deleted() {
    let app = App::new().await;
    let (_, owner) = signed_in(&app, "acme", "owner").await;
    let (clerk, clerk_token) = signed_in(&app, "acme", "viewer").await;
    let desk =
        json!({ "name": "Front desk", "permissions": ["members:*"], "includes": ["viewer"] });
    let made = with(&app, "acme", &owner, ("POST", "/roles"), desk).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.body["effective"].as_array().unwrap().contains(&json!("analytics:view")));
    let path = format!("/roles/{}", made.body["id"].as_str().unwrap());
    assert!(made.headers["location"].to_str().unwrap().ends_with(&path));
    let list = with(&app, "acme", &owner, ("GET", "/roles"), NOTHING).await;
    let names: Vec<_> =
        list.body["roles"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["owner", "admin", "member", "viewer", "Front desk"]);

    let give = format!("/team/{}", clerk.user);
    let bearer = bearer(&owner);
    let any = [("authorization", &*bearer), ("if-match", "*")];
    let given = at(&app, "acme", ("PUT", &give), &any, json!({ "role": "Front desk" })).await;
    assert_eq!(given.status, 200, "{given:?}");
    let less = json!({ "name": "Front desk", "permissions": ["members:read", "team:read"] });
    let preview = json!({ "role_id": made.body["id"], "role": less });
    let diff = with(&app, "acme", &owner, ("POST", "/roles/preview"), preview).await;
    assert_eq!(diff.body["added"], json!(["team:read"]), "{diff:?}");
    assert_eq!(
        (&diff.body["gaining"], &diff.body["losing"]),
        (&json!([clerk.user]), &json!([clerk.user]))
    );

    let stale = [("authorization", &*bearer), ("if-match", "\"7\"")];
    assert_eq!(at(&app, "acme", ("PUT", &path), &stale, less.clone()).await.status, 412);
    assert_eq!(with(&app, "acme", &owner, ("PUT", &path), less.clone()).await.status, 428);
    let etag = made.headers["etag"].to_str().unwrap().to_owned();
    let fresh = [("authorization", &*bearer), ("if-match", &*etag)];
    assert_eq!(at(&app, "acme", ("PUT", &path), &fresh, less).await.status, 200);
    let in_use = with(&app, "acme", &owner, ("DELETE", &path), NOTHING).await;
    assert_eq!(in_use.told(), (409, "role_in_use"));
    at(&app, "acme", ("PUT", &give), &any, json!({ "role": "viewer" })).await;
    assert_eq!(with(&app, "acme", &owner, ("DELETE", &path), NOTHING).await.status, 204);
    let gone = with(&app, "acme", &owner, ("GET", &path), NOTHING).await;
    assert_eq!(gone.told(), (404, "not_found"));
    let refused = with(&app, "acme", &clerk_token, ("GET", "/roles"), NOTHING).await;
    assert_eq!(refused.told(), (403, "permission_denied"));
}

#[tokio::test]
async fn the_matrix_says_what_one_may_give_and_the_explanation_what_is_missing() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let (viewer, _) = signed_in(&app, "acme", "viewer").await;
    let matrix = with(&app, "acme", &admin, ("GET", "/rbac/matrix"), NOTHING).await;
    let permissions = matrix.body["permissions"].as_array().unwrap();
    let one = |name: &str| permissions.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(one("members:read")["grantable"], true);
    assert_eq!(one("billing:manage")["grantable"], false, "an admin lacks it");
    assert_eq!(one("billing:manage")["risk"], "critical");
    assert_eq!(matrix.body["roles"].as_array().unwrap().len(), 4);

    let path = format!("/authz/explain?permission=members:export&user_id={}", viewer.user);
    let why = with(&app, "acme", &admin, ("GET", &path), NOTHING).await;
    assert_eq!((&why.body["allowed"], &why.body["blocked"]), (&json!(false), &json!(["role"])));
    assert_eq!(why.body["changes"], json!([{ "change": "give_role", "with": "admin" }]));
    let own = ("GET", "/authz/explain?permission=members:export");
    assert_eq!(with(&app, "acme", &admin, own, NOTHING).await.body["allowed"], true);
    for wrong in ["", "?permission=members:fly", "?permission=members:read&user_id=me"] {
        let path = format!("/authz/explain{wrong}");
        let answer = with(&app, "acme", &admin, ("GET", &path), NOTHING).await;
        assert_eq!(answer.status, 422, "{wrong}");
    }
    let (stranger, _) = signed_in(&app, "hooli", "viewer").await;
    let path = format!("/authz/explain?permission=members:read&user_id={}", stranger.user);
    let answer = with(&app, "acme", &admin, ("GET", &path), NOTHING).await;
    assert_eq!(answer.told(), (404, "not_found"));
}
