use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use saas_core::auth::Principal;
use saas_rbac::session::CookieKind;

use super::{
    Failed,
    answer::with_cookies,
    refresh::{Presented, RefreshBody},
};
use crate::state::AppState;

/// Signs out: ends the session of the access token, of the cookie and of the refresh token.
///
/// Repeating it changes nothing.
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth", operation_id = "log_out",
    request_body = RefreshBody,
    responses((status = NO_CONTENT, headers(("set-cookie" = String)))),
)]
pub(super) async fn log_out(
    State(state): State<AppState>,
    principal: Option<Principal>,
    request: Request,
) -> Result<Response, Failed> {
    let identity = &state.identity;
    if let Some(principal) = &principal
        && let Some(session) = principal.session()
    {
        identity.sign_in.log_out(principal.user(), session).await?;
    }
    if let Some(presented) = Presented::read(request, identity, &state).await? {
        identity.sign_in.log_out_with(&presented.token).await?;
    }
    let cookies =
        [CookieKind::Session, CookieKind::Refresh].map(|kind| identity.cookies.clear(kind));
    Ok(with_cookies(StatusCode::NO_CONTENT, cookies))
}
