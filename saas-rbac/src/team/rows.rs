//! The statements on memberships.

use chrono::{DateTime, Utc};
use saas_core::{TenantId, UserId};
use saas_tenancy::db::ControlTx;
use sqlx::{Row, postgres::PgRow};

use super::TeamMember;
use crate::{error::AccessError, role::Book, sql::refused};

pub(super) async fn list(
    tx: &mut ControlTx,
    tenant: TenantId,
    book: &Book,
) -> Result<Vec<TeamMember>, AccessError> {
    let rows = sqlx::query(
        "select m.user_id, u.name, u.email, m.role_mask, m.joined_at, m.version
         from saas_rbac.memberships m
         join saas_rbac.users u on u.id = m.user_id
         where m.tenant_id = $1
         order by lower(u.name), m.user_id",
    )
    .bind(tenant.as_uuid())
    .fetch_all(tx)
    .await
    .map_err(refused)?;
    let read = |row: &PgRow| {
        Ok(TeamMember {
            user: UserId::from_uuid(row.try_get("user_id")?),
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            roles: book.names(row.try_get("role_mask")?),
            joined_at: row.try_get("joined_at")?,
            version: row.try_get("version")?,
        })
    };
    rows.iter().map(|row| read(row).map_err(refused)).collect()
}

/// The roles of somebody, which nobody else changes until the transaction ends.
pub(super) async fn lock(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
) -> Result<i64, AccessError> {
    let mask: Option<i64> = sqlx::query_scalar(
        "select role_mask from saas_rbac.memberships
         where tenant_id = $1 and user_id = $2 for no key update",
    )
    .bind(tenant.as_uuid())
    .bind(user.as_uuid())
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    mask.ok_or(AccessError::NotFound("person"))
}

/// Refuses a membership that was changed since it was read. It is locked already.
pub(super) async fn require_version(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
    version: i64,
) -> Result<(), AccessError> {
    let found: i64 = sqlx::query_scalar(
        "select version from saas_rbac.memberships where tenant_id = $1 and user_id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(user.as_uuid())
    .fetch_one(tx)
    .await
    .map_err(refused)?;
    if found == version { Ok(()) } else { Err(AccessError::Stale) }
}

/// The roles of two, in the order of the arguments. They are locked in the order of their ids, so
/// two who change each other do not wait for each other for ever.
pub(super) async fn lock_both(
    tx: &mut ControlTx,
    tenant: TenantId,
    one: UserId,
    other: UserId,
) -> Result<(i64, i64), AccessError> {
    let first = lock(tx, tenant, one.min(other)).await?;
    let second = lock(tx, tenant, one.max(other)).await?;
    Ok(if one < other { (first, second) } else { (second, first) })
}

pub(super) async fn set_roles(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
    mask: i64,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.memberships set role_mask = $3, version = version + 1
         where tenant_id = $1 and user_id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(user.as_uuid())
    .bind(mask)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn delete(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
) -> Result<(), AccessError> {
    sqlx::query("delete from saas_rbac.memberships where tenant_id = $1 and user_id = $2")
        .bind(tenant.as_uuid())
        .bind(user.as_uuid())
        .execute(tx)
        .await
        .map_err(refused)?;
    Ok(())
}

/// Whatever lets somebody into the tenant is over.
pub(super) async fn end_keys_and_sessions(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    let statements = [
        "update saas_rbac.sessions set revoked_at = $3, revoked_because = 'left the tenant'
         where tenant_id = $1 and user_id = $2 and revoked_at is null",
        "update saas_rbac.api_keys set revoked_at = $3, version = version + 1
         where tenant_id = $1 and owner_id = $2 and revoked_at is null",
    ];
    for sql in statements {
        let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(user.as_uuid()).bind(now);
        query.execute(&mut *tx).await.map_err(refused)?;
    }
    Ok(())
}
