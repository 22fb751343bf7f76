use axum::extract::State;
use http::StatusCode;
use saas_core::Problem;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Device, Failed, body::proof, oneself::Oneself, user_of};
use crate::{auth::Identity, input::Invalid, routes::extract::Json};

/// A secret for an authenticator app. It is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = Enrolment)]
pub(super) struct EnrolmentView {
    /// To type in.
    secret: String,
    /// To show as a QR code.
    #[schema(example = "otpauth://totp/…")]
    url: String,
}

/// The first code of the app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmSecondFactor)]
pub(super) struct ConfirmBody {
    #[schema(value_type = String, example = "123456")]
    code: SecretString,
}

/// Ten codes for the day on which the app is lost. They are shown once, and each is good once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// What somebody shows to do without a second factor: one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisableSecondFactor)]
pub(super) struct DisableBody {
    /// The six digits of the authenticator app.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
    /// One of the recovery codes.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
    /// The password, for whoever has lost both.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
}

/// Begins with a second factor. It counts once it is confirmed.
#[utoipa::path(
    post, path = "/auth/second-factor/enrol", tag = "auth", operation_id = "enrol_second_factor",
    responses(
        (status = OK, body = EnrolmentView),
        (status = CONFLICT, description = "`second_factor_exists`"),
    ),
)]
pub(super) async fn enrol(
    State(identity): State<Identity>,
    oneself: Oneself,
) -> Result<axum::Json<EnrolmentView>, Failed> {
    let user = user_of(&identity, oneself.user).await?;
    let enrolment = identity.second_factors.enrol(&user).await?;
    Ok(axum::Json(EnrolmentView {
        secret: enrolment.secret.expose_secret().to_owned(),
        url: enrolment.url.expose_secret().to_owned(),
    }))
}

/// Shows the first code of the app, from when on codes are asked for.
#[utoipa::path(
    post, path = "/auth/second-factor/confirm", tag = "auth", operation_id = "confirm_second_factor",
    request_body = ConfirmBody,
    responses(
        (status = OK, body = RecoveryCodes),
        (status = UNPROCESSABLE_ENTITY, description = "`wrong_code`"),
    ),
)]
pub(super) async fn confirm(
    State(identity): State<Identity>,
    oneself: Oneself,
    Json(body): Json<ConfirmBody>,
) -> Result<axum::Json<RecoveryCodes>, Failed> {
    let codes = identity.second_factors.confirm(oneself.user, &body.code).await?;
    let recovery_codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    Ok(axum::Json(RecoveryCodes { recovery_codes }))
}

/// Does without a second factor from now on.
#[utoipa::path(
    post, path = "/auth/second-factor/disable", tag = "auth", operation_id = "disable_second_factor",
    request_body = DisableBody,
    responses(
        (status = NO_CONTENT),
        (status = UNPROCESSABLE_ENTITY, description = "`wrong_code`"),
    ),
)]
pub(super) async fn disable(
    State(identity): State<Identity>,
    oneself: Oneself,
    Device { client, .. }: Device,
    Json(body): Json<DisableBody>,
) -> Result<StatusCode, Failed> {
    let (factors, sign_in) = (&identity.second_factors, &identity.sign_in);
    match (proof(body.code, body.recovery_code), body.password) {
        (Some(proof), _) => factors.remove(oneself.user, &proof).await?,
        (None, Some(password)) => {
            sign_in.remove_second_factor(oneself.session, &password, &client).await?;
        }
        (None, None) => {
            let detail = "send a code, a recovery code or the password";
            return Err(
                Problem::validation(vec![Invalid::new("required", detail).of("code")]).into()
            );
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
