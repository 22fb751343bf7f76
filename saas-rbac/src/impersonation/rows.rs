//! The statements on sessions of somebody who acts for another.

use chrono::{DateTime, Utc};
use saas_core::{SessionId, TenantId, UserId};
use saas_tenancy::db::ControlTx;
use sqlx::{Row, postgres::PgRow};

use super::Impersonation;
use crate::{error::AccessError, sql::refused};

/// Refuses who is not staff at this moment, whatever was known when the request came in.
pub(super) async fn require_staff(tx: &mut ControlTx, user: UserId) -> Result<(), AccessError> {
    let is_staff: Option<bool> = sqlx::query_scalar(
        "select is_super_admin from saas_rbac.users
         where id = $1 and disabled_at is null for share",
    )
    .bind(user.as_uuid())
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    if is_staff == Some(true) { Ok(()) } else { Err(AccessError::SuperAdminsOnly) }
}

/// Refuses people who do not belong to the tenant, and staff.
pub(super) async fn require_target(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
) -> Result<(), AccessError> {
    let is_staff: Option<bool> = sqlx::query_scalar(
        "select u.is_super_admin
         from saas_rbac.memberships m join saas_rbac.users u on u.id = m.user_id
         where m.tenant_id = $1 and m.user_id = $2 and u.disabled_at is null",
    )
    .bind(tenant.as_uuid())
    .bind(user.as_uuid())
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    match is_staff {
        Some(false) => Ok(()),
        Some(true) => Err(AccessError::SuperAdminsOnly),
        None => Err(AccessError::NotFound("person")),
    }
}

pub(super) async fn insert(tx: &mut ControlTx, one: &Impersonation) -> Result<(), AccessError> {
    sqlx::query(
        "insert into saas_rbac.sessions
             (id, user_id, tenant_id, kind, impersonator_id, impersonation_reason, created_at,
              authenticated_at, last_seen_at, idle_until, expires_at)
         values ($1, $2, $3, 'token', $4, $5, $6, $6, $6, $7, $7)",
    )
    .bind(one.session.as_uuid())
    .bind(one.user.as_uuid())
    .bind(one.tenant.as_uuid())
    .bind(one.by.as_uuid())
    .bind(&one.reason)
    .bind(one.started_at)
    .bind(one.expires_at)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn end(
    tx: &mut ControlTx,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Impersonation, AccessError> {
    let row = sqlx::query(
        "update saas_rbac.sessions set revoked_at = $2, revoked_because = 'impersonation ended'
         where id = $1 and impersonator_id is not null and revoked_at is null
         returning id, tenant_id, user_id, impersonator_id, impersonation_reason, created_at,
                   expires_at",
    )
    .bind(session.as_uuid())
    .bind(now)
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    let row = row.ok_or(AccessError::NotFound("impersonation"))?;
    read(&row).map_err(refused)
}

pub(super) async fn list(
    tx: &mut ControlTx,
    tenant: Option<TenantId>,
    now: DateTime<Utc>,
) -> Result<Vec<Impersonation>, AccessError> {
    let rows = sqlx::query(
        "select id, tenant_id, user_id, impersonator_id, impersonation_reason, created_at, expires_at
         from saas_rbac.sessions
         where impersonator_id is not null and revoked_at is null and expires_at > $2
           and ($1::uuid is null or tenant_id = $1)
         order by created_at desc limit 1000",
    )
    .bind(tenant.map(TenantId::as_uuid))
    .bind(now)
    .fetch_all(tx)
    .await
    .map_err(refused)?;
    rows.iter().map(|row| read(row).map_err(refused)).collect()
}

fn read(row: &PgRow) -> Result<Impersonation, sqlx::Error> {
    Ok(Impersonation {
        session: SessionId::from_uuid(row.try_get("id")?),
        tenant: TenantId::from_uuid(row.try_get("tenant_id")?),
        user: UserId::from_uuid(row.try_get("user_id")?),
        by: UserId::from_uuid(row.try_get("impersonator_id")?),
        reason: row.try_get("impersonation_reason")?,
        started_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}
