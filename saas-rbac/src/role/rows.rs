//! The statements on roles.

use chrono::{DateTime, Utc};
use saas_core::{TenantId, UserId, permission::PermissionSet};
use saas_tenancy::db::ControlTx;
use sqlx::Row;

use super::{
    RoleId,
    book::{Draft, Known},
};
use crate::{
    error::AccessError,
    sql::{from_bits, refused},
};

/// Who belongs to a tenant, with which roles, and what was taken from them.
pub(super) struct MemberRow {
    pub(super) user: UserId,
    pub(super) role_mask: i64,
    pub(super) denied: PermissionSet,
}

pub(super) async fn read(tx: &mut ControlTx, tenant: TenantId) -> Result<Vec<Known>, AccessError> {
    let rows = sqlx::query(
        "select id, bit, name, description, permissions, includes, mask::text as mask, version
         from saas_rbac.roles where tenant_id = $1 order by lower(name)",
    )
    .bind(tenant.as_uuid())
    .fetch_all(tx)
    .await
    .map_err(refused)?;
    rows.iter().map(|row| known(row).map_err(refused)).collect()
}

fn known(row: &sqlx::postgres::PgRow) -> Result<Known, sqlx::Error> {
    let bit: i16 = row.try_get("bit")?;
    let bit = u8::try_from(bit).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Known {
        id: Some(RoleId::from_uuid(row.try_get("id")?)),
        gives: from_bits(row.try_get("mask")?),
        version: row.try_get("version")?,
        draft: Draft {
            bit,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            permissions: row.try_get("permissions")?,
            includes: row.try_get("includes")?,
        },
    })
}

pub(super) async fn members(
    tx: &mut ControlTx,
    tenant: TenantId,
) -> Result<Vec<MemberRow>, AccessError> {
    let rows = sqlx::query(
        "select user_id, role_mask, denied::text as denied
         from saas_rbac.memberships where tenant_id = $1 order by user_id",
    )
    .bind(tenant.as_uuid())
    .fetch_all(tx)
    .await
    .map_err(refused)?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(MemberRow {
            user: UserId::from_uuid(row.try_get("user_id")?),
            role_mask: row.try_get("role_mask")?,
            denied: from_bits(row.try_get("denied")?),
        })
    };
    rows.iter().map(|row| read(row).map_err(refused)).collect()
}

/// Waits until nobody else changes the roles of the tenant. The trigger takes the same lock.
pub(super) async fn take_turn(tx: &mut ControlTx, tenant: TenantId) -> Result<(), AccessError> {
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('saas_rbac.roles:' || $1::text, 0))",
    )
    .bind(tenant.as_uuid())
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Writes a new role. A trigger computes what it gives.
pub(super) async fn insert(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: RoleId,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "insert into saas_rbac.roles
             (tenant_id, id, bit, name, description, permissions, includes, mask, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, repeat('0', 256)::bit(256), $8)",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(i16::from(draft.bit))
    .bind(&draft.name)
    .bind(&draft.description)
    .bind(&draft.permissions)
    .bind(draft.includes)
    .bind(now)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn update(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: RoleId,
    draft: &Draft,
    version: i64,
) -> Result<(), AccessError> {
    let done = sqlx::query(
        "update saas_rbac.roles set
             name = $4, description = $5, permissions = $6, includes = $7, version = version + 1
         where tenant_id = $1 and id = $2 and version = $3",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(version)
    .bind(&draft.name)
    .bind(&draft.description)
    .bind(&draft.permissions)
    .bind(draft.includes)
    .execute(tx)
    .await
    .map_err(refused)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(AccessError::Stale) }
}

pub(super) async fn delete(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: RoleId,
) -> Result<(), AccessError> {
    sqlx::query("delete from saas_rbac.roles where tenant_id = $1 and id = $2")
        .bind(tenant.as_uuid())
        .bind(id.as_uuid())
        .execute(tx)
        .await
        .map_err(refused)?;
    Ok(())
}

/// Invitations that nobody can take any more do not keep a role.
pub(super) async fn end_expired_invitations(
    tx: &mut ControlTx,
    tenant: TenantId,
    bit: u8,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.invitations set revoked_at = $3, version = version + 1
         where tenant_id = $1 and role_mask & (1::bigint << $2::integer) <> 0
           and accepted_at is null and revoked_at is null and expires_at <= $3",
    )
    .bind(tenant.as_uuid())
    .bind(i32::from(bit))
    .bind(now)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}
