//! Sessions of browsers, and requests that other sites make with their cookies.

use serde_json::{Value, json};

use super::{Answer, PASSWORD, at, log_in, person};
use crate::app::App;

/// A browser that has signed in to a tenant, as its `Cookie` header.
async fn browser(app: &App, slug: &str, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "session": true });
    let done = at(app, slug, ("POST", "/auth/login"), &[], body).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.body.get("access_token").is_none(), "a script could take it");
    let cookie = done.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    format!("session={}", done.cookie("session").unwrap())
}

async fn list(app: &App, slug: &str, cookie: &str) -> Answer {
    at(app, slug, ("GET", "/members"), &[("cookie", cookie)], Value::Null).await
}

#[tokio::test]
async fn a_cookie_changes_something_only_from_the_applications_own_pages() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let cookie = browser(&app, "acme", "ann@acme.test").await;
    assert_eq!(list(&app, "acme", &cookie).await.status, 200);
    let make = async |name: &str, headers: &[(&str, &str)]| {
        let body = json!({
            "name": name, "price": {"amount": 1, "currency": "EUR"}, "interval": "month",
        });
        let headers = [&[("cookie", &*cookie)], headers].concat();
        at(&app, "acme", ("POST", "/membership-types"), &headers, body).await
    };
    for (n, own) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", "http://localhost"),
    ]
    .into_iter()
    .enumerate()
    {
        let made = make(&format!("Own {n}"), &[own]).await;
        assert_eq!(made.status, 201, "{own:?}: {made:?}");
    }
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.test"),
        ("origin", "http://hooli.localhost"),
        ("origin", "null"),
    ] {
        assert_eq!(make("Foreign", &[foreign]).await.told(), (403, "cross_site_request"));
    }
    let headers = [("cookie", &*cookie)];
    let types = at(&app, "acme", ("GET", "/membership-types"), &headers, Value::Null).await;
    let names: Vec<_> = types.body["membership_types"].as_array().unwrap().iter().collect();
    assert!(names.iter().all(|one| one["name"].as_str().unwrap().starts_with("Own")), "{names:?}");
}

#[tokio::test]
async fn a_token_needs_no_page_because_no_browser_sends_it_by_itself() {
    let app = App::new().await;
    let (_, token) = super::signed_in(&app, "acme", "owner").await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer), ("sec-fetch-site", "cross-site")];
    let kind =
        json!({ "name": "Gold", "price": {"amount": 1, "currency": "EUR"}, "interval": "month" });
    let made = at(&app, "acme", ("POST", "/membership-types"), &headers, kind).await;
    assert_eq!(made.status, 201, "{made:?}");
}

#[tokio::test]
async fn two_credentials_at_once_are_one_too_many() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let cookie = browser(&app, "acme", "ann@acme.test").await;
    let (_, token) = super::signed_in(&app, "acme", "viewer").await;
    let bearer = format!("Bearer {token}");
    let headers = [("cookie", &*cookie), ("authorization", &*bearer)];
    let answer = at(&app, "acme", ("GET", "/members"), &headers, Value::Null).await;
    assert_eq!(answer.told(), (400, "invalid_request"));
}

#[tokio::test]
async fn a_cookie_is_good_for_its_tenant_and_until_its_session_ends() {
    let app = App::new().await;
    let ann = person(&app, "ann@acme.test", &[("acme", "owner"), ("hooli", "owner")]).await;
    let cookie = browser(&app, "acme", "ann@acme.test").await;
    assert_eq!(list(&app, "hooli", &cookie).await.told(), (403, "tenant_mismatch"));
    let me = at(&app, "hooli", ("GET", "/me"), &[("cookie", &cookie)], Value::Null).await;
    assert_eq!(me.told(), (403, "tenant_mismatch"));
    let of_two = format!("{cookie}; {cookie}");
    assert_eq!(list(&app, "acme", &of_two).await.told(), (401, "missing_credentials"));
    app.identity().sessions.revoke_all(ann).await.unwrap();
    assert_eq!(list(&app, "acme", &cookie).await.told(), (401, "invalid_token"));
    // The browser keeps sending it, and must still get to sign in.
    let body = json!({ "email": "ann@acme.test", "password": PASSWORD, "session": true });
    let again = at(&app, "acme", ("POST", "/auth/login"), &[("cookie", &cookie)], body).await;
    assert_eq!(again.status, 200, "{again:?}");
    let next = format!("session={}", again.cookie("session").unwrap());
    assert_ne!(next, cookie);
    assert_eq!(list(&app, "acme", &next).await.status, 200);
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let cookie = browser(&app, "acme", "ann@acme.test").await;
    let token = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await.token();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let sessions = at(&app, "acme", ("GET", "/auth/sessions"), &headers, Value::Null).await;
    let sessions = sessions.body["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let browser = sessions.iter().find(|one| one["kind"] == "browser").unwrap();
    assert_eq!(browser["current"], false);
    let path = format!("/auth/sessions/{}", browser["id"].as_str().unwrap());
    let ended = at(&app, "acme", ("DELETE", &path), &headers, Value::Null).await;
    assert_eq!(ended.status, 204);
    assert_eq!(list(&app, "acme", &cookie).await.told(), (401, "invalid_token"));
    let again = at(&app, "acme", ("DELETE", &path), &headers, Value::Null).await;
    assert_eq!(again.told(), (404, "not_found"));
    let others = ("POST", "/auth/sessions/revoke-others");
    let others = at(&app, "acme", others, &headers, Value::Null).await;
    assert_eq!((others.status, &others.body["revoked"]), (200, &json!(0)));
}
