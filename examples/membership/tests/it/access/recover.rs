//! Forgotten passwords and addresses that are not proven.

use serde_json::{Value, json};

use super::{PASSWORD, ask, at, log_in, members, person};
use crate::app::App;

/// The token behind `#token=` in the latest mail to somebody.
async fn mailed(app: &App, to: &str) -> String {
    let mails = ask(app.strict_router(), ("GET", "/api/v1/dev/mail"), &[], Value::Null).await;
    let mails = mails.body["mails"].as_array().unwrap().clone();
    let mail = mails.iter().find(|mail| mail["to"] == to).unwrap_or_else(|| panic!("{mails:?}"));
    let text = mail["text"].as_str().unwrap();
    let token = text.split("#token=").nth(1).unwrap_or_else(|| panic!("{text}"));
    token.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn j40_a_link_chooses_another_password_once_and_ends_what_was() {
    let app = App::new().await;
    person(&app, "ann@acme.test", &[("acme", "owner")]).await;
    let before = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await.token();
    for email in ["ann@acme.test", "nobody@acme.test"] {
        let body = json!({ "email": email });
        let asked = at(&app, "acme", ("POST", "/auth/password/forgot"), &[], body).await;
        assert_eq!((asked.status, &asked.body), (202, &Value::Null), "{email}");
    }
    let token = mailed(&app, "ann@acme.test").await;
    let reset = async |password: &str| {
        let body = json!({ "token": token, "password": password });
        ask(app.strict_router(), ("POST", "/api/v1/auth/password/reset"), &[], body).await
    };
    assert_eq!(reset("short").await.status, 422, "the link stays good");
    let new = "another correct horse";
    let (one, other) = tokio::join!(reset(new), reset(new));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 410], "exactly one wins");
    assert_eq!(reset(new).await.told(), (410, "token_used"));
    let mut asked = members(&app, "acme", &before).await;
    for _ in 0..100 {
        if asked.status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        asked = members(&app, "acme", &before).await;
    }
    assert_eq!(asked.told(), (401, "invalid_token"));
    let old = log_in(&app, Some("acme"), "ann@acme.test", PASSWORD).await;
    assert_eq!(old.told(), (401, "invalid_credentials"));
    assert_eq!(log_in(&app, Some("acme"), "ann@acme.test", new).await.status, 200);
}

#[tokio::test]
async fn an_address_is_proven_by_the_link_that_was_sent_to_it() {
    let app = App::new().await;
    let body = json!({
        "name": "My Club", "slug": "my-club",
        "owner": { "name": "Ann", "email": "ann@my-club.test", "password": PASSWORD },
    });
    let made = ask(app.strict_router(), ("POST", "/api/v1/tenants"), &[], body).await;
    let bearer = format!("Bearer {}", made.token());
    let verified = async || {
        let headers = [("authorization", &*bearer)];
        let me = at(&app, "my-club", ("GET", "/me"), &headers, Value::Null).await;
        me.body["user"]["email_verified"].clone()
    };
    assert_eq!(verified().await, json!(false));
    let verify = async |token: &str| {
        let body = json!({ "token": token });
        ask(app.strict_router(), ("POST", "/api/v1/auth/email/verify"), &[], body).await
    };
    assert_eq!(verify("nothing").await.told(), (400, "token_invalid"));
    let token = mailed(&app, "ann@my-club.test").await;
    assert_eq!(verify(&token).await.status, 204);
    assert_eq!(verified().await, json!(true));
    assert_eq!(verify(&token).await.told(), (410, "token_used"));
}
