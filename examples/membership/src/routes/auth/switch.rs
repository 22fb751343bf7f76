use axum::{extract::State, response::Response};
use saas_rbac::sign_in::SignInError;
use saas_tenancy::ResolvedTenant;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Device, Failed, answer::LoggedIn, body::proof, oneself::Oneself, signed_in};
use crate::{auth::Identity, routes::extract::Json};

/// A tenant to go on in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Switch)]
pub(super) struct SwitchBody {
    /// Its name in addresses.
    #[schema(example = "globex")]
    tenant: String,
}

/// What somebody shows to be trusted with more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StepUp)]
pub(super) struct StepUpBody {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The six digits of the authenticator app, for those who have one.
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<SecretString>,
    /// One of the recovery codes, in place of `code`.
    #[schema(value_type = Option<String>)]
    recovery_code: Option<SecretString>,
}

/// Gets a token for another tenant of the same person.
///
/// The session that asked goes on. Asked on a tenant's host for another tenant, the refresh token is
/// in the answer, because its cookie would be one of this host.
#[utoipa::path(
    post, path = "/auth/switch", tag = "auth", operation_id = "switch_tenant",
    request_body = SwitchBody,
    responses(
        (status = OK, body = LoggedIn, headers(("set-cookie" = String))),
        (status = FORBIDDEN, description = "`not_a_member`, also of a tenant that there is not"),
    ),
)]
pub(super) async fn switch(
    State(identity): State<Identity>,
    here: Option<ResolvedTenant>,
    oneself: Oneself,
    device: Device,
    Json(body): Json<SwitchBody>,
) -> Result<Response, Failed> {
    let memberships = identity.users.memberships(oneself.user).await?;
    let wanted = memberships.iter().find(|one| one.slug == body.tenant);
    let tenant = wanted.ok_or(SignInError::NotAMember)?.tenant;
    let done = identity.sign_in.switch(oneself.session, tenant, &device.client).await?;
    signed_in(&identity, done, here.map(|here| here.id)).await
}

/// Shows again who one is, for what asks for a fresh proof.
#[utoipa::path(
    post, path = "/auth/step-up", tag = "auth", operation_id = "step_up",
    request_body = StepUpBody,
    responses(
        (status = OK, body = LoggedIn, headers(("set-cookie" = String))),
        (status = UNAUTHORIZED, description = "`invalid_credentials`, `second_factor_required`"),
        (status = TOO_MANY_REQUESTS, description = "`too_many_attempts`; see `Retry-After`"),
    ),
)]
pub(super) async fn step_up(
    State(identity): State<Identity>,
    here: Option<ResolvedTenant>,
    oneself: Oneself,
    device: Device,
    Json(body): Json<StepUpBody>,
) -> Result<Response, Failed> {
    let proof = proof(body.code, body.recovery_code);
    let sign_in = &identity.sign_in;
    let done =
        sign_in.reauthenticate(oneself.session, &body.password, proof, &device.client).await?;
    signed_in(&identity, done, here.map(|here| here.id)).await
}
