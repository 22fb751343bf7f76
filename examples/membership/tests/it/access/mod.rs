//! Who gets in, as whom, and what they may do: the application from outside, without credentials
//! that were not sent.

mod admin;
mod api_keys;
mod audit;
mod cases;
mod cookies;
mod invitations;
mod isolation_table;
mod keys;
mod log_in;
mod recover;
mod revocation;
mod role_matrix;
mod roles;
mod team;
mod writes;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, header};
use saas_core::UserId;
use saas_rbac::user::{Email, EmailProof, NewUser};
use serde_json::{Value, json};

use crate::app::{App, owners, send};

/// The password of everybody here.
const PASSWORD: &str = "correct horse battery";

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    fn told(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    fn challenge(&self) -> &str {
        self.headers.get(header::WWW_AUTHENTICATE).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a cookie that the answer sets.
    fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        let lines = lines.map(|line| line.to_str().unwrap().to_owned());
        let mut values = lines.filter_map(|line| {
            let (found, rest) = line.split_once('=')?;
            (found == name).then(|| rest.split(';').next().unwrap_or_default().to_owned())
        });
        values.next()
    }

    fn token(&self) -> String {
        self.body["access_token"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

/// Asks a router, with these headers; a body is JSON.
async fn ask(
    router: Router,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    body: Value,
) -> Answer {
    let mut request = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, "localhost");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(body.to_string())
    };
    let (status, headers, body) = send(router, request.body(body).unwrap()).await;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Answer { status: status.as_u16(), headers, body }
}

/// Asks a tenant by its path.
async fn at(
    app: &App,
    slug: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: Value,
) -> Answer {
    let target = format!("/t/{slug}/api/v1{path}");
    ask(app.strict_router(), (method, &target), headers, body).await
}

/// The members of a tenant, for whoever has this token.
async fn members(app: &App, slug: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    at(app, slug, ("GET", "/members"), &[("authorization", &bearer)], Value::Null).await
}

/// Somebody with the password of everybody here, and these roles.
async fn person(app: &App, email: &str, roles: &[(&str, &str)]) -> UserId {
    let identity = app.identity();
    let hash = identity.passwords.hash(&PASSWORD.into()).await.unwrap();
    let new = NewUser::new(Email::parse(email).unwrap(), "Somebody").unwrap();
    let new = new.with_password(hash).with_proof(EmailProof::Given);
    let user = identity.users.create(new).await.unwrap().id;
    for (slug, role) in roles {
        let tenant = app.tenant(slug).await.id;
        identity.operator.enlist(tenant, user, role).await.unwrap();
    }
    user
}

/// Runs a statement as the application's own operator, whom no permission bounds.
async fn as_operator(app: &App, sql: &str) {
    app.as_superuser(&format!("set role saas_admin; {sql}")).await;
}

/// Somebody without a password who has signed in to a tenant, and their token.
async fn signed_in(app: &App, slug: &str, role: &str) -> (owners::Owner, String) {
    let identity = app.identity();
    let email = Email::parse(&format!("{role}-{}@{slug}.test", app.clock.uuid())).unwrap();
    let user = identity.users.create(NewUser::new(email, role).unwrap()).await.unwrap().id;
    let tenant = app.tenant(slug).await.id;
    identity.operator.enlist(tenant, user, role).await.unwrap();
    let session = owners::sign_in(app.world(), user, Some(tenant)).await;
    let token = owners::token(identity, user, session, Some(tenant));
    (owners::Owner { tenant, user, session }, token)
}

/// Logs in at a tenant's path, or at none.
async fn log_in(app: &App, slug: Option<&str>, email: &str, password: &str) -> Answer {
    let target = match slug {
        Some(slug) => format!("/t/{slug}/api/v1/auth/login"),
        None => "/api/v1/auth/login".to_owned(),
    };
    let body = json!({ "email": email, "password": password });
    ask(app.strict_router(), ("POST", &target), &[], body).await
}

/// The same as [`at`] for whoever has this token or key.
async fn with(app: &App, slug: &str, token: &str, target: (&str, &str), body: Value) -> Answer {
    at(app, slug, target, &[("authorization", &bearer(token))], body).await
}

/// The header of whoever has this token or key.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
