use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use saas_core::{Problem, TenantId};
use saas_rbac::{
    session::CookieKind,
    sign_in::{Credential, SignedIn},
    token::TokenPair,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Failed, TenantOfUser, UserView, tenants_of};
use crate::auth::Identity;

/// Somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    #[serde(flatten)]
    tokens: Option<Tokens>,
    user: UserView,
    tenants: Vec<TenantOfUser>,
}

/// A token to use. It is left out of the answer to a browser that asked for a session.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct Tokens {
    /// Goes with every request: `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds the access token is good.
    #[schema(example = 600)]
    expires_in: u64,
    /// Good once, for the next access token. Left out where it is set as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Where a refresh token goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Into a cookie of this host.
    Cookie,
    /// Into the body: it is for another host, or for no browser.
    Body,
}

impl Delivery {
    /// On a tenant's host a cookie would be sent to that tenant: no good for another one's token.
    fn at(here: Option<TenantId>, of_token: Option<TenantId>) -> Self {
        if here.is_some() && here != of_token { Self::Body } else { Self::Cookie }
    }
}

impl Tokens {
    /// The tokens of somebody who has just signed in for them, and the cookie that goes with them.
    pub(in crate::routes) fn of_log_in(
        identity: &Identity,
        signed_in: &SignedIn,
        here: Option<TenantId>,
    ) -> Result<(Self, Option<HeaderValue>), Failed> {
        let delivery = Delivery::at(here, signed_in.session.tenant);
        match &signed_in.credential {
            Credential::Tokens(pair) => Ok(Self::of(identity, pair, delivery)),
            _ => Err(Problem::internal("a log-in for tokens gave something else").into()),
        }
    }

    /// The tokens, and the cookie that goes with them.
    pub(super) fn of(
        identity: &Identity,
        pair: &TokenPair,
        delivery: Delivery,
    ) -> (Self, Option<HeaderValue>) {
        let in_body = delivery == Delivery::Body;
        let cookie = (!in_body).then(|| {
            let life = pair.refresh_expires_in;
            identity.cookies.set(CookieKind::Refresh, &pair.refresh_token, life)
        });
        let tokens = Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: pair.expires_in.as_secs(),
            refresh_token: in_body.then(|| pair.refresh_token.expose_secret().to_owned()),
        };
        (tokens, cookie)
    }
}

/// The answer to whoever has just signed in on the host of `here`.
pub(crate) async fn signed_in(
    identity: &Identity,
    signed_in: SignedIn,
    here: Option<TenantId>,
) -> Result<Response, Failed> {
    let SignedIn { user, session, credential, .. } = signed_in;
    let tenants = tenants_of(identity, user.id).await?;
    let (tokens, cookie) = match credential {
        Credential::Cookie(secret) => {
            let left = session.expires_at - session.created_at;
            (None, Some(session_cookie(identity, &secret, left.to_std().unwrap_or_default())))
        }
        Credential::Tokens(pair) => {
            let delivery = Delivery::at(here, session.tenant);
            let (tokens, cookie) = Tokens::of(identity, &pair, delivery);
            (Some(tokens), cookie)
        }
        _ => (None, None),
    };
    let body = LoggedIn { tokens, user: UserView::from(&user), tenants };
    Ok(with_cookies(axum::Json(body), cookie))
}

fn session_cookie(identity: &Identity, secret: &SecretString, life: Duration) -> HeaderValue {
    identity.cookies.set(CookieKind::Session, secret, life)
}

/// An answer that leaves cookies with a browser.
pub(in crate::routes) fn with_cookies(
    answer: impl IntoResponse,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response {
    let mut response = answer.into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
