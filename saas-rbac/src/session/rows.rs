//! From rows to sessions.

use saas_core::{SessionId, TenantId, UserId};
use saas_tenancy::TenancyError;
use sqlx::{Row, postgres::PgRow};

use super::{Client, Session, SessionKind};

/// The columns that [`read_session`] reads, of the table under the name `s`.
macro_rules! session_columns {
    () => {
        "s.id as session_id, s.user_id, s.tenant_id, s.kind, s.impersonator_id,
         s.created_at as session_created_at, s.authenticated_at, s.second_factor_at,
         s.last_seen_at, s.idle_until, s.expires_at, s.address, s.user_agent"
    };
}

pub(crate) use session_columns;

/// The session in `row`.
pub(crate) fn read_session(row: &PgRow) -> Result<Session, TenancyError> {
    let kind: &str = row.try_get("kind")?;
    let tenant: Option<_> = row.try_get("tenant_id")?;
    let impersonator: Option<_> = row.try_get("impersonator_id")?;
    Ok(Session {
        id: SessionId::from_uuid(row.try_get("session_id")?),
        user: UserId::from_uuid(row.try_get("user_id")?),
        tenant: tenant.map(TenantId::from_uuid),
        kind: if kind == "browser" { SessionKind::Browser } else { SessionKind::Token },
        impersonator: impersonator.map(UserId::from_uuid),
        created_at: row.try_get("session_created_at")?,
        authenticated_at: row.try_get("authenticated_at")?,
        second_factor_at: row.try_get("second_factor_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        idle_until: row.try_get("idle_until")?,
        expires_at: row.try_get("expires_at")?,
        client: Client::from_stored(row.try_get("address")?, row.try_get("user_agent")?),
    })
}
