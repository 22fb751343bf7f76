//! How people come into a tenant.

use serde_json::{Value, json};

use super::{Answer, PASSWORD, ask, at, bearer, log_in, person, signed_in, with};
use crate::app::{App, owners, public_url};

const NOTHING: Value = Value::Null;

async fn invite(app: &App, token: &str, email: &str, role: &str) -> Answer {
    let body = json!({ "email": email, "role": role });
    with(app, "acme", token, ("POST", "/invitations"), body).await
}

/// The token in the last mail to somebody.
async fn mailed(app: &App, to: &str) -> String {
    app.identity().postbox.flush().await;
    let mails = app.identity().mailing.kept().unwrap().list();
    let mail = mails.into_iter().find(|one| one.mail.to.eq_ignore_ascii_case(to));
    let mail = mail.unwrap_or_else(|| panic!("no mail to {to}"));
    let link = format!("{}/accept-invitation#token=", public_url());
    let rest = mail.mail.text.split(&link).nth(1).unwrap_or_else(|| panic!("{}", mail.mail.text));
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Accepts on the host without a tenant.
async fn accept(app: &App, token: Option<&str>, body: Value) -> Answer {
    let bearer = token.map(bearer);
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", &**bearer)).collect();
    let target = ("POST", "/api/v1/invitations/accept");
    ask(app.strict_router(), target, &headers, body).await
}

#[tokio::test]
async fn somebody_new_comes_in_by_the_link_in_the_mail_once() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let sent = invite(&app, &admin, "ada@example.com", "member").await;
    assert_eq!((sent.status, &sent.body["status"]), (201, &json!("open")), "{sent:?}");
    let token = mailed(&app, "ada@example.com").await;
    assert!(!sent.body.to_string().contains(&token), "the token goes by mail alone");
    assert_eq!(accept(&app, None, json!({ "token": token })).await.status, 401);
    let weak = json!({ "token": token, "name": "Ada", "password": "password" });
    let weak = accept(&app, None, weak).await;
    assert_eq!((weak.status, &weak.body["errors"][0]["field"]), (422, &json!("password")));

    let body = json!({ "token": token, "name": "Ada", "password": PASSWORD });
    let done = accept(&app, None, body.clone()).await;
    assert_eq!((done.status, &done.body["tenant"]["slug"]), (200, &json!("acme")), "{done:?}");
    assert_eq!(accept(&app, None, body).await.told(), (410, "token_used"));
    let signed_in = log_in(&app, Some("acme"), "ada@example.com", PASSWORD).await;
    assert_eq!((signed_in.status, &signed_in.body["tenants"][0]["role"]), (200, &json!("member")));

    let list = with(&app, "acme", &admin, ("GET", "/invitations"), NOTHING).await;
    let list = list.body["invitations"].as_array().unwrap();
    assert_eq!((list.len(), &list[0]["status"]), (1, &json!("accepted")));
    for field in ["id", "email", "role", "status", "expires_at"] {
        assert!(list[0][field].is_string(), "{field}");
    }
}

#[tokio::test]
async fn an_invitation_is_for_the_person_it_names() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let token_of = async |email: &str| {
        let user = person(&app, email, &[]).await;
        let session = owners::sign_in(app.world(), user, None).await;
        owners::token(app.identity(), user, session, None)
    };
    let (ada, eve) = (token_of("ada@example.com").await, token_of("eve@example.com").await);
    assert_eq!(invite(&app, &admin, "Ada@example.com", "viewer").await.status, 201);
    let again = invite(&app, &admin, "ada@example.com", "viewer").await;
    assert_eq!(again.told(), (409, "already_invited"));
    let token = json!({ "token": mailed(&app, "ada@example.com").await });
    assert_eq!(accept(&app, Some(&eve), token.clone()).await.told(), (403, "email_mismatch"));
    let taken = json!({ "token": token["token"], "name": "Ada", "password": PASSWORD });
    assert_eq!(accept(&app, None, taken).await.told(), (409, "email_taken"));
    assert_eq!(accept(&app, Some(&ada), token.clone()).await.status, 200);
    assert_eq!(accept(&app, Some(&ada), token).await.told(), (410, "token_used"));
    let again = invite(&app, &admin, "ada@example.com", "viewer").await;
    assert_eq!(again.told(), (409, "already_member"));
}

#[tokio::test]
async fn another_link_voids_the_one_before_and_a_revoked_one_is_void() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    let sent = invite(&app, &admin, "ada@example.com", "viewer").await;
    let first = mailed(&app, "ada@example.com").await;
    let path = format!("/invitations/{}", sent.body["id"].as_str().unwrap());
    let resend = format!("{path}/resend");
    assert_eq!(with(&app, "acme", &admin, ("POST", &resend), NOTHING).await.status, 200);
    let second = mailed(&app, "ada@example.com").await;
    let new = |token: &str| json!({ "token": token, "name": "Ada", "password": PASSWORD });
    assert_ne!(first, second);
    assert_eq!(accept(&app, None, new(&first)).await.told(), (410, "token_used"));
    assert_eq!(with(&app, "acme", &admin, ("DELETE", &path), NOTHING).await.status, 204);
    assert_eq!(accept(&app, None, new(&second)).await.told(), (410, "token_used"));
    let over = with(&app, "acme", &admin, ("POST", &resend), NOTHING).await;
    assert_eq!(over.told(), (410, "token_used"));
    let (_, stranger) = signed_in(&app, "hooli", "admin").await;
    let elsewhere = with(&app, "hooli", &stranger, ("DELETE", &path), NOTHING).await;
    assert_eq!(elsewhere.told(), (404, "not_found"));
}

#[tokio::test]
async fn nobody_promises_more_than_they_have_and_a_repeated_request_invites_once() {
    let app = App::new().await;
    let (_, admin) = signed_in(&app, "acme", "admin").await;
    assert_eq!(invite(&app, &admin, "ada@example.com", "owner").await.status, 403);
    let wrong = invite(&app, &admin, "no address", "viewer").await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["field"]), (422, &json!("email")));
    let bearer = bearer(&admin);
    let headers = [("authorization", &*bearer), ("idempotency-key", "one")];
    let body = json!({ "email": "ada@example.com", "role": "viewer" });
    let once = at(&app, "acme", ("POST", "/invitations"), &headers, body.clone()).await;
    let twice = at(&app, "acme", ("POST", "/invitations"), &headers, body).await;
    assert_eq!((once.status, twice.status), (201, 201), "{twice:?}");
    assert_eq!(once.body, twice.body);
    assert_eq!(twice.headers["idempotency-replayed"], "true");
}
