use axum::{
    extract::{FromRequest, Request, State},
    response::Response,
};
use saas_core::auth::{Realm, Reject};
use saas_rbac::{authenticate::same_origin, session::CookieKind, sign_in::RefreshError};
use saas_tenancy::ResolvedTenant;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Failed,
    answer::{Delivery, Tokens, with_cookies},
};
use crate::{auth::Identity, routes::extract::Json, state::AppState};

/// A refresh token of a program that has no cookies.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    /// The refresh token; left out, the one of the cookie is taken.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

/// A refresh token, and how it came.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) token: SecretString,
    pub(super) delivery: Delivery,
}

impl Presented {
    /// The token of the body, or else of the cookie. The cookie counts only from our own pages.
    pub(super) async fn read(
        request: Request,
        identity: &Identity,
        state: &AppState,
    ) -> Result<Option<Self>, Failed> {
        let (parts, body) = request.into_parts();
        let cookie = identity.cookies.read(CookieKind::Refresh, &parts.headers);
        let from_own_pages = same_origin(&parts);
        // No body at all is no JSON, and no mistake either.
        let has_body = parts.headers.contains_key(http::header::CONTENT_TYPE);
        let body = if has_body {
            let request = Request::from_parts(parts, body);
            Json::<RefreshBody>::from_request(request, state).await?.0
        } else {
            RefreshBody::default()
        };
        if let Some(token) = body.refresh_token {
            return Ok(Some(Self { token, delivery: Delivery::Body }));
        }
        let Some(token) = cookie else { return Ok(None) };
        from_own_pages?;
        Ok(Some(Self { token, delivery: Delivery::Cookie }))
    }
}

/// Gets the next access token.
///
/// The refresh token is good once; the next one comes the way this one did. The same one twice within
/// ten seconds gets the same answer, later it ends the session.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "auth", operation_id = "refresh",
    request_body = RefreshBody,
    responses(
        (status = OK, body = Tokens, headers(("set-cookie" = String))),
        (status = BAD_REQUEST, description = "`invalid_grant`: sign in again"),
        (status = FORBIDDEN, description = "`tenant_mismatch`: the session is for another tenant"),
    ),
)]
pub(super) async fn refresh(
    State(state): State<AppState>,
    tenant: Option<ResolvedTenant>,
    request: Request,
) -> Result<Response, Failed> {
    let identity = &state.identity;
    let presented = Presented::read(request, identity, &state).await?;
    let Presented { token, delivery } = presented.ok_or(RefreshError::InvalidGrant)?;
    let next = identity.sign_in.refresh(&token).await?;
    // Whoever took it there by mistake has ten seconds to take it to the right place.
    if tenant.is_some_and(|tenant| Some(tenant.id) != next.session.tenant) {
        return Err(Realm::default().refuse(Reject::TenantMismatch).into());
    }
    let (tokens, cookie) = Tokens::of(identity, &next.tokens, delivery);
    Ok(with_cookies(axum::Json(tokens), cookie))
}
