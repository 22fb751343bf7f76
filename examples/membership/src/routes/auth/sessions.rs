use axum::extract::State;
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::SessionId;
use saas_rbac::session::{Session, SessionKind};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Failed, oneself::Oneself};
use crate::{auth::Identity, routes::extract::Id};

/// Where somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sessions {
    /// The sessions, the one used last first.
    sessions: Vec<SessionView>,
}

/// One sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    id: Uuid,
    /// `browser` or `token`.
    #[schema(example = "token")]
    kind: &'static str,
    /// The tenant it is for; `null` for one that chooses.
    tenant_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    /// When it ends however it is used.
    expires_at: DateTime<Utc>,
    /// Where it began.
    address: Option<String>,
    /// What the device called itself.
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
    /// Whether somebody else acts in it, for the person.
    impersonated: bool,
}

impl SessionView {
    fn of(session: &Session, current: SessionId) -> Self {
        Self {
            id: session.id.as_uuid(),
            kind: match session.kind {
                SessionKind::Browser => "browser",
                SessionKind::Token => "token",
            },
            tenant_id: session.tenant.map(saas_core::TenantId::as_uuid),
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            address: session.client.address().map(|address| address.to_string()),
            user_agent: session.client.user_agent().map(str::to_owned),
            current: session.id == current,
            impersonated: session.impersonator.is_some(),
        }
    }
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revoked {
    revoked: u64,
}

/// Where one is signed in.
#[utoipa::path(
    get, path = "/auth/sessions", tag = "auth", operation_id = "list_sessions",
    responses((status = OK, body = Sessions)),
)]
pub(super) async fn list(
    State(identity): State<Identity>,
    oneself: Oneself,
) -> Result<axum::Json<Sessions>, Failed> {
    let sessions = identity.sessions.list(oneself.user).await?;
    let sessions = sessions.iter().map(|one| SessionView::of(one, oneself.session)).collect();
    Ok(axum::Json(Sessions { sessions }))
}

/// Ends one session.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", tag = "auth", operation_id = "revoke_session",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), (status = NOT_FOUND, description = "There is no such session")),
)]
pub(super) async fn revoke(
    State(identity): State<Identity>,
    oneself: Oneself,
    Id(id): Id<SessionId>,
) -> Result<StatusCode, Failed> {
    identity.sessions.revoke(oneself.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions but this one.
#[utoipa::path(
    post, path = "/auth/sessions/revoke-others", tag = "auth", operation_id = "revoke_other_sessions",
    responses((status = OK, body = Revoked)),
)]
pub(super) async fn revoke_others(
    State(identity): State<Identity>,
    oneself: Oneself,
) -> Result<axum::Json<Revoked>, Failed> {
    let revoked = identity.sessions.revoke_others(oneself.user, oneself.session).await?;
    Ok(axum::Json(Revoked { revoked }))
}
