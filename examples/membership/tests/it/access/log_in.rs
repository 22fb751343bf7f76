//! Signing in, going on, switching and signing out.

use serde_json::{Value, json};

use super::{PASSWORD, ask, at, log_in, members, person};
use crate::app::{App, wire::Served};

async fn me(app: &App, slug: &str, token: &str) -> Value {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let answer = at(app, slug, ("GET", "/me"), &headers, Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_log_in_at_a_tenant_is_for_that_tenant() {
    let app = App::new().await;
    let ann = person(&app, "ann@acme.test", &[("acme", "admin"), ("hooli", "viewer")]).await;
    let done = log_in(&app, Some("acme"), " Ann@Acme.test ", PASSWORD).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(
        (&done.body["token_type"], &done.body["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    let user = &done.body["user"];
    assert_eq!((&user["id"], &user["email"]), (&json!(ann), &json!("ann@acme.test")));
    let tenants = done.body["tenants"].as_array().unwrap();
    let named: Vec<_> = tenants.iter().map(|one| (&one["slug"], &one["role"])).collect();
    assert!(named.contains(&(&json!("acme"), &json!("admin"))), "{named:?}");
    assert!(named.contains(&(&json!("hooli"), &json!("viewer"))), "{named:?}");
    // The refresh token is for the browser alone, not for its scripts.
    assert!(done.body.get("refresh_token").is_none());
    let cookie = done.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("refresh=") && cookie.contains("HttpOnly"), "{cookie}");
    assert!(cookie.contains("SameSite=Strict"), "{cookie}");
    let token = done.token();
    assert_eq!(members(&app, "acme", &token).await.status, 200);
    assert_eq!(members(&app, "hooli", &token).await.told(), (403, "tenant_mismatch"));
    let me = me(&app, "acme", &token).await;
    assert_eq!((&me["tenant"]["slug"], &me["role"]), (&json!("acme"), &json!("admin")));
    let may = me["permissions"].as_array().unwrap();
    assert!(may.contains(&json!("members:export")) && !may.contains(&json!("billing:manage")));
}

#[tokio::test]
async fn whatever_is_wrong_with_a_log_in_is_told_in_the_same_words() {
    let app = App::new().await;
    let ann = person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    person(&app, "bob@hooli.test", &[("hooli", "owner")]).await;
    let wrong = log_in(&app, Some("acme"), "ann@acme.test", "another password").await;
    let unknown = log_in(&app, Some("acme"), "nobody@acme.test", PASSWORD).await;
    app.identity().users.disable(ann).await.unwrap();
    let disabled = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await;
    let mut bodies = [wrong.body, unknown.body, disabled.body];
    for body in &mut bodies {
        body["request_id"] = Value::Null;
        assert_eq!((&body["status"], &body["code"]), (&json!(401), &json!("invalid_credentials")));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    // Who has shown the password may know that they do not belong here.
    let stranger = log_in(&app, Some("acme"), "bob@hooli.test", PASSWORD).await;
    assert_eq!(stranger.told(), (403, "not_a_member"));
}

#[tokio::test]
async fn a_person_of_two_tenants_switches_and_has_in_each_the_role_of_that() {
    let app = App::new().await;
    let roles = [("acme", "member"), ("hooli", "viewer")];
    person(&app, "consultant@saas.test", &roles).await;
    let free = log_in(&app, None, "consultant@saas.test", PASSWORD).await;
    let free = free.token();
    assert_eq!(members(&app, "acme", &free).await.told(), (403, "tenant_mismatch"));
    let bearer = format!("Bearer {free}");
    let headers = [("authorization", &*bearer)];
    let switch = async |slug: &str| {
        let body = json!({ "tenant": slug });
        let target = ("POST", "/api/v1/auth/switch");
        ask(app.strict_router(), target, &headers, body).await
    };
    for (slug, told) in [("acme", 201), ("hooli", 403)] {
        let kind = app.add_type(slug, "Gold").await;
        let switched = switch(slug).await;
        assert!(switched.cookie("refresh").is_some(), "{switched:?}");
        let bearer = format!("Bearer {}", switched.token());
        let headers = [("authorization", &*bearer)];
        assert_eq!(members(&app, slug, &switched.token()).await.status, 200);
        let body = crate::app::member(&kind, 1);
        let made = at(&app, slug, ("POST", "/members"), &headers, body).await;
        assert_eq!(made.status, told, "{slug}: {made:?}");
    }
    app.add_tenant("umbrella", saas_tenancy::Isolation::Shared).await;
    for slug in ["umbrella", "never-was", "'; --"] {
        assert_eq!(switch(slug).await.told(), (403, "not_a_member"), "{slug}");
    }
}

#[tokio::test]
async fn on_a_tenants_host_the_refresh_token_for_another_one_is_no_cookie() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner"), ("hooli", "owner")]).await;
    let token = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await.token();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let body = json!({ "tenant": "hooli" });
    let switched = at(&app, "acme", ("POST", "/auth/switch"), &headers, body).await;
    assert_eq!(switched.cookie("refresh"), None);
    let body = json!({ "refresh_token": switched.body["refresh_token"] });
    let here = at(&app, "acme", ("POST", "/auth/refresh"), &[], body.clone()).await;
    assert_eq!(here.told(), (403, "tenant_mismatch"));
    // It was taken to the wrong place a moment ago, and still works at the right one.
    let there = at(&app, "hooli", ("POST", "/auth/refresh"), &[], body).await;
    assert_eq!(there.status, 200, "{there:?}");
    assert_eq!(members(&app, "hooli", &there.token()).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_comes_back_the_way_it_was_sent() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let done = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await;
    let cookie = format!("refresh={}", done.cookie("refresh").unwrap());
    let path = ("POST", "/auth/refresh");
    let headers = [("cookie", &*cookie), ("sec-fetch-site", "cross-site")];
    let foreign = at(&app, "acme", path, &headers, Value::Null).await;
    assert_eq!(foreign.told(), (403, "cross_site_request"));
    let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
    let next = at(&app, "acme", path, &headers, Value::Null).await;
    assert_eq!(next.status, 200, "{next:?}");
    assert!(next.body.get("refresh_token").is_none());
    let token = next.cookie("refresh").unwrap();
    assert_ne!(cookie, format!("refresh={token}"));
    let by_body = at(&app, "acme", path, &[], json!({ "refresh_token": token })).await;
    assert!(by_body.body["refresh_token"].is_string() && by_body.cookie("refresh").is_none());
    assert_eq!(members(&app, "acme", &by_body.token()).await.status, 200);
    assert_eq!(at(&app, "acme", path, &[], Value::Null).await.told(), (400, "invalid_grant"));
}

#[tokio::test]
async fn who_has_logged_out_is_out() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let done = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await;
    let refresh = json!({ "refresh_token": done.cookie("refresh").unwrap() });
    let bearer = format!("Bearer {}", done.token());
    let out = ("POST", "/auth/logout");
    let left = at(&app, "acme", out, &[("authorization", &bearer)], Value::Null).await;
    assert_eq!((left.status, left.cookie("refresh").as_deref()), (204, Some("")));
    let again = at(&app, "acme", ("POST", "/auth/refresh"), &[], refresh).await;
    assert_eq!(again.told(), (400, "invalid_grant"));
    let mut asked = members(&app, "acme", &done.token()).await;
    for _ in 0..100 {
        if asked.status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        asked = members(&app, "acme", &done.token()).await;
    }
    assert_eq!(asked.told(), (401, "invalid_token"));
    // Whoever has nothing left to show is out already.
    assert_eq!(at(&app, "acme", out, &[], Value::Null).await.status, 204);
}

#[tokio::test]
async fn sign_up_makes_a_tenant_with_an_owner_who_is_signed_in() {
    let app = App::new().await;
    let body = json!({
        "name": "My Club", "slug": "my-club",
        "owner": { "name": "Ann", "email": "ann@my-club.test", "password": PASSWORD },
    });
    let target = ("POST", "/api/v1/tenants");
    let made = ask(app.strict_router(), target, &[], body.clone()).await;
    assert_eq!((made.status, &made.body["tenant"]["slug"]), (201, &json!("my-club")), "{made:?}");
    let me = me(&app, "my-club", &made.token()).await;
    assert_eq!((&me["role"], &me["user"]["email_verified"]), (&json!("owner"), &json!(false)));
    assert_eq!(members(&app, "my-club", &made.token()).await.status, 200);
    let mail = ask(app.strict_router(), ("GET", "/api/v1/dev/mail"), &[], Value::Null).await;
    assert_eq!(mail.body["mails"][0]["to"], "ann@my-club.test");
    let mut again = body.clone();
    again["slug"] = json!("another-club");
    let taken = ask(app.strict_router(), target, &[], again).await;
    assert_eq!(taken.told(), (409, "email_taken"));
    let mut again = body;
    again["owner"]["email"] = json!("bob@my-club.test");
    let taken = ask(app.strict_router(), target, &[], again).await;
    assert_eq!(taken.told(), (409, "slug_taken"));
    let none = log_in(&app, None, "bob@my-club.test", PASSWORD).await;
    assert_eq!(none.status, 401, "nobody was made for a tenant that was not");
}

/// The same over a connection, as a program does it.
#[tokio::test]
async fn a_program_logs_in_and_lists_over_http() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let served = Served::start(app.strict_router()).await;
    let mut client = served.connect().await;
    let body = json!({ "email": "ann@acme.test", "password": PASSWORD }).to_string();
    client.send(crate::app::wire::post("/t/acme/api/v1/auth/login", &body).as_bytes()).await;
    let reply = client.reply().await.unwrap();
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let list = format!(
        "GET /api/v1/members HTTP/1.1\r\nhost: acme.localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    client.send(list.as_bytes()).await;
    let reply = client.reply().await.unwrap();
    let list: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &list["members"]), (200, &json!([])), "{list}");
}
