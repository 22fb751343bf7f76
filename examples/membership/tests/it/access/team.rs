//! The people of a tenant and their roles.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, at, bearer, signed_in, with};
use crate::app::App;

const NOTHING: Value = Value::Null;

/// Gives somebody another role, whatever the version.
async fn give(app: &App, token: &str, user: impl ToString, role: &str) -> Answer {
    let path = format!("/team/{}", user.to_string());
    let (bearer, body) = (bearer(token), json!({ "role": role }));
    let headers = [("authorization", &*bearer), ("if-match", "*")];
    at(app, "acme", ("PUT", &path), &headers, body).await
}

/// Asks until the answer has this status: every process hears of a change within a second.
async fn until(ask: impl AsyncFn() -> Answer, status: u16) -> Answer {
    for _ in 0..100 {
        let answer = ask().await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {status} within a second: {:?}", ask().await)
}

async fn remove(app: &App, token: &str, user: impl ToString) -> Answer {
    let path = format!("/team/{}", user.to_string());
    with(app, "acme", token, ("DELETE", &path), NOTHING).await
}

#[tokio::test]
async fn the_team_is_listed_and_a_role_is_changed_by_its_version() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let (viewer, _) = signed_in(&app, "acme", "viewer").await;
    let list = with(&app, "acme", &admin, ("GET", "/team"), NOTHING).await;
    let team = list.body["team"].as_array().unwrap();
    assert_eq!(team.len(), 3, "{team:?}");
    let entry = team.iter().find(|one| one["user_id"] == json!(viewer.user)).unwrap();
    assert_eq!(entry["role"], "viewer");
    for field in ["user_id", "name", "email", "role", "joined_at"] {
        assert!(entry[field].is_string(), "{field}");
    }

    let path = format!("/team/{}", viewer.user);
    let one = with(&app, "acme", &admin, ("GET", &path), NOTHING).await;
    let etag = one.headers["etag"].to_str().unwrap().to_owned();
    let bearer = bearer(&admin);
    let body = json!({ "role": "member" });
    let without = with(&app, "acme", &admin, ("PUT", &path), body.clone()).await;
    assert_eq!(without.status, 428);
    let headers = [("authorization", &*bearer), ("if-match", &*etag)];
    let changed = at(&app, "acme", ("PUT", &path), &headers, body.clone()).await;
    assert_eq!((changed.status, &changed.body["role"]), (200, &json!("member")), "{changed:?}");
    let stale = at(&app, "acme", ("PUT", &path), &headers, body).await;
    assert_eq!(stale.status, 412);
    let unknown = give(&app, &admin, viewer.user, "emperor").await;
    assert_eq!((unknown.status, &unknown.body["errors"][0]["field"]), (422, &json!("role")));
    assert_eq!(give(&app, &admin, viewer.tenant, "member").await.told(), (404, "not_found"));
}

#[tokio::test]
async fn owners_are_a_matter_of_owners_and_the_last_one_stays() {
    let app = App::new().await;
    let owner = app.owners().of("acme").unwrap();
    let (boss, boss_token) = signed_in(&app, "acme", "owner").await;
    let (admin, admin_token) = signed_in(&app, "acme", "admin").await;
    for refused in [
        give(&app, &admin_token, owner.user, "member").await,
        give(&app, &admin_token, admin.user, "owner").await,
        remove(&app, &admin_token, owner.user).await,
    ] {
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    assert_eq!(give(&app, &boss_token, owner.user, "admin").await.status, 200);
    assert_eq!(give(&app, &boss_token, boss.user, "admin").await.told(), (409, "last_owner"));
    assert_eq!(remove(&app, &boss_token, boss.user).await.told(), (409, "last_owner"));

    let transfer = ("POST", "/team/transfer-ownership");
    let body = json!({ "user_id": admin.user });
    let refused = with(&app, "acme", &admin_token, transfer, body.clone()).await;
    assert_eq!(refused.told(), (403, "permission_denied"));
    let done = with(&app, "acme", &boss_token, transfer, body).await;
    assert_eq!((done.status, &done.body["role"]), (200, &json!("owner")), "{done:?}");
    let back =
        async || with(&app, "acme", &boss_token, transfer, json!({ "user_id": boss.user })).await;
    assert_eq!(until(back, 403).await.code(), "permission_denied", "an admin from now on");
}

#[tokio::test]
async fn everybody_may_leave_and_few_may_remove() {
    let app = App::new().await;
    let (viewer, viewer_token) = signed_in(&app, "acme", "viewer").await;
    let (member, member_token) = signed_in(&app, "acme", "member").await;
    let (_, admin_token) = signed_in(&app, "acme", "admin").await;
    let refused = remove(&app, &member_token, viewer.user).await;
    assert_eq!(refused.told(), (403, "permission_denied"));
    assert_eq!(remove(&app, &viewer_token, viewer.user).await.status, 204);
    // Sessions of this tenant end with the membership.
    until(async || with(&app, "acme", &viewer_token, ("GET", "/members"), NOTHING).await, 401)
        .await;
    assert_eq!(remove(&app, &admin_token, member.user).await.status, 204);
    assert_eq!(remove(&app, &admin_token, member.user).await.told(), (404, "not_found"));
}
