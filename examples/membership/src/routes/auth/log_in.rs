use axum::{extract::State, response::Response};
use http::HeaderMap;
use saas_rbac::{
    session::CookieKind,
    sign_in::{LogIn, Wanted},
};
use saas_tenancy::ResolvedTenant;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Device, Failed, answer::LoggedIn, body::proof, signed_in};
use crate::{auth::Identity, routes::extract::Json};

/// Somebody who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogIn)]
pub(super) struct LogInBody {
    #[schema(example = "owner@acme.test")]
    email: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The six digits of the authenticator app, for those who have one.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
    /// One of the recovery codes, in place of `code`.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
    /// Whether a browser wants a session in place of tokens. Its cookie is all it has then.
    session: Option<bool>,
}

/// Signs in.
///
/// On a tenant's host for that tenant, else for none yet: see `POST /auth/switch`. The refresh token
/// is set as an `HttpOnly` cookie.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", operation_id = "log_in", request_body = LogInBody,
    responses(
        (status = OK, body = LoggedIn, headers(("set-cookie" = String))),
        (status = UNAUTHORIZED, description = "`invalid_credentials`, whatever is wrong with them; `second_factor_required`"),
        (status = FORBIDDEN, description = "`not_a_member` of the host's tenant"),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`; see `Retry-After`"),
    ),
)]
pub(super) async fn log_in(
    State(identity): State<Identity>,
    tenant: Option<ResolvedTenant>,
    device: Device,
    headers: HeaderMap,
    Json(body): Json<LogInBody>,
) -> Result<Response, Failed> {
    let wanted = if body.session == Some(true) { Wanted::Cookie } else { Wanted::Tokens };
    let mut request = LogIn::new(&body.email, body.password, device.client).for_a(wanted);
    if let Some(proof) = proof(body.code, body.recovery_code) {
        request = request.with_second_factor(proof);
    }
    if let Some(tenant) = &tenant {
        request = request.in_tenant(tenant.id);
    }
    // The session that this browser had until now ends.
    let kinds = [CookieKind::Session, CookieKind::Refresh];
    let before = kinds.into_iter().find_map(|kind| identity.cookies.read(kind, &headers));
    if let Some(before) = before {
        request = request.replacing(before);
    }
    let done = identity.sign_in.log_in(request).await?;
    signed_in(&identity, done, tenant.map(|tenant| tenant.id)).await
}
