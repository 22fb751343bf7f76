use axum::extract::State;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Device, Failed, oneself::Oneself, user_of};
use crate::{auth::Identity, routes::extract::Json};

/// A link that proves an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VerifyEmail)]
pub(super) struct VerifyBody {
    /// What the link in the mail has behind `#token=`.
    #[schema(value_type = String)]
    token: SecretString,
}

/// Proves that the address a link was sent to is one's own.
#[utoipa::path(
    post, path = "/auth/email/verify", tag = "auth", operation_id = "verify_email",
    request_body = VerifyBody,
    responses(
        (status = NO_CONTENT),
        (status = BAD_REQUEST, description = "`token_invalid`: the link is none of ours"),
        (status = GONE, description = "`token_used` or `token_expired`"),
    ),
)]
pub(super) async fn verify(
    State(identity): State<Identity>,
    Json(body): Json<VerifyBody>,
) -> Result<StatusCode, Failed> {
    identity.sign_in.verify_email(&body.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends the link again.
#[utoipa::path(
    post, path = "/auth/email/resend", tag = "auth", operation_id = "resend_verification",
    responses(
        (status = ACCEPTED),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`; see `Retry-After`"),
    ),
)]
pub(super) async fn resend(
    State(identity): State<Identity>,
    oneself: Oneself,
    Device { client, locale }: Device,
) -> Result<StatusCode, Failed> {
    let user = user_of(&identity, oneself.user).await?;
    if user.email_verified_at.is_none() {
        identity.sign_in.ask_verification(&user.email, &client, locale).await?;
    }
    Ok(StatusCode::ACCEPTED)
}
