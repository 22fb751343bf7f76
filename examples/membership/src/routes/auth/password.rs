use axum::{extract::State, response::Response};
use http::StatusCode;
use saas_rbac::user::{Email, UserError};
use saas_tenancy::ResolvedTenant;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Device, Failed, answer::LoggedIn, body::proof, oneself::Oneself, signed_in};
use crate::{auth::Identity, routes::extract::Json};

/// Somebody who has forgotten the password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ForgottenPassword)]
pub(super) struct ForgotBody {
    #[schema(format = Email, example = "owner@acme.test")]
    email: String,
}

/// Another password, for whoever has the link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPassword)]
pub(super) struct ResetBody {
    /// What the link in the mail has behind `#token=`.
    #[schema(value_type = String)]
    token: SecretString,
    /// 12 to 256 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Another password, for whoever knows the current one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangedPassword)]
pub(super) struct ChangeBody {
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// 12 to 256 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The six digits of the authenticator app, for those who have one.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
    /// One of the recovery codes, in place of `code`.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// Sends a link to choose another password. The answer is the same whether or not somebody has the
/// address.
#[utoipa::path(
    post, path = "/auth/password/forgot", tag = "auth", operation_id = "forgot_password",
    request_body = ForgotBody,
    responses(
        (status = ACCEPTED),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`; see `Retry-After`"),
    ),
)]
pub(super) async fn forgot(
    State(identity): State<Identity>,
    Device { client, locale }: Device,
    Json(body): Json<ForgotBody>,
) -> Result<StatusCode, Failed> {
    let email = Email::parse(&body.email).map_err(UserError::from)?;
    identity.sign_in.ask_reset(&email, &client, locale).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Chooses another password. All sessions end.
#[utoipa::path(
    post, path = "/auth/password/reset", tag = "auth", operation_id = "reset_password",
    request_body = ResetBody,
    responses(
        (status = NO_CONTENT),
        (status = BAD_REQUEST, description = "`token_invalid`: the link is none of ours"),
        (status = GONE, description = "`token_used` or `token_expired`"),
        (status = UNPROCESSABLE_ENTITY, description = "The password is not taken; the link stays good"),
    ),
)]
pub(super) async fn reset(
    State(identity): State<Identity>,
    Device { client, .. }: Device,
    Json(body): Json<ResetBody>,
) -> Result<StatusCode, Failed> {
    identity.sign_in.reset_password(&body.token, &body.password, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password. All other sessions end, and this one is replaced.
#[utoipa::path(
    post, path = "/auth/password/change", tag = "auth", operation_id = "change_password",
    request_body = ChangeBody,
    responses(
        (status = OK, body = LoggedIn, headers(("set-cookie" = String))),
        (status = UNAUTHORIZED, description = "`invalid_credentials`, `second_factor_required`"),
        (status = UNPROCESSABLE_ENTITY, description = "The password is not taken"),
    ),
)]
pub(super) async fn change(
    State(identity): State<Identity>,
    here: Option<ResolvedTenant>,
    oneself: Oneself,
    Device { client, .. }: Device,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Failed> {
    let current = (&body.current_password, proof(body.code, body.recovery_code));
    let sign_in = &identity.sign_in;
    let done = sign_in.change_password(oneself.session, current, &body.password, &client).await?;
    signed_in(&identity, done, here.map(|here| here.id)).await
}
