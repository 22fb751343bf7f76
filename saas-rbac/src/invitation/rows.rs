//! The statements on invitations.

use chrono::{DateTime, Utc};
use saas_core::{TenantId, UserId};
use saas_tenancy::db::ControlTx;
use sqlx::{Row, postgres::PgRow};

use super::{Invitation, InvitationId, Status};
use crate::{error::AccessError, role::Book, sql::refused};

/// How many invitations that are over a list shows.
const SHOWN: i64 = 200;

/// An invitation as the database holds it.
pub(super) struct Invited {
    pub(super) id: InvitationId,
    pub(super) email: String,
    pub(super) role_mask: i64,
    pub(super) invited_by: UserId,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) accepted_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

impl Invited {
    pub(super) const fn new(
        id: InvitationId,
        email: String,
        role_mask: i64,
        invited_by: UserId,
        expires_at: DateTime<Utc>,
    ) -> Self {
        let (accepted_at, revoked_at) = (None, None);
        Self { id, email, role_mask, invited_by, expires_at, accepted_at, revoked_at }
    }

    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: InvitationId::from_uuid(row.try_get("id")?),
            email: row.try_get("email")?,
            role_mask: row.try_get("role_mask")?,
            invited_by: UserId::from_uuid(row.try_get("invited_by")?),
            expires_at: row.try_get("expires_at")?,
            accepted_at: row.try_get("accepted_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }

    /// Whether somebody took it, or it was called back.
    pub(super) const fn is_over(&self) -> bool {
        self.accepted_at.is_some() || self.revoked_at.is_some()
    }

    /// As people see it at `now`.
    pub(super) fn shown(&self, book: &Book, now: DateTime<Utc>) -> Invitation {
        let status = match (self.accepted_at, self.revoked_at) {
            (Some(_), _) => Status::Accepted,
            (None, Some(_)) => Status::Revoked,
            (None, None) if self.expires_at <= now => Status::Expired,
            (None, None) => Status::Open,
        };
        Invitation {
            id: self.id,
            email: self.email.clone(),
            role: book.names(self.role_mask).join(", "),
            status,
            invited_by: self.invited_by,
            expires_at: self.expires_at,
        }
    }
}

pub(super) async fn list(
    tx: &mut ControlTx,
    tenant: TenantId,
) -> Result<Vec<Invited>, AccessError> {
    let rows = sqlx::query(
        "select id, email, role_mask, invited_by, expires_at, accepted_at, revoked_at
         from saas_rbac.invitations
         where tenant_id = $1
         order by accepted_at is not null or revoked_at is not null, id desc
         limit $2 + (select count(*) from saas_rbac.invitations
                     where tenant_id = $1 and accepted_at is null and revoked_at is null)",
    )
    .bind(tenant.as_uuid())
    .bind(SHOWN)
    .fetch_all(tx)
    .await
    .map_err(refused)?;
    rows.iter().map(|row| Invited::read(row).map_err(refused)).collect()
}

/// Reads an invitation, which nobody else changes until the transaction ends.
pub(super) async fn lock(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: InvitationId,
) -> Result<Invited, AccessError> {
    let row = sqlx::query(
        "select id, email, role_mask, invited_by, expires_at, accepted_at, revoked_at
         from saas_rbac.invitations where tenant_id = $1 and id = $2 for no key update",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    let row = row.ok_or(AccessError::NotFound("invitation"))?;
    Invited::read(&row).map_err(refused)
}

/// Whether somebody with this address belongs to the tenant.
pub(super) async fn is_member(
    tx: &mut ControlTx,
    tenant: TenantId,
    email: &str,
) -> Result<bool, AccessError> {
    sqlx::query_scalar(
        "select exists (
             select 1 from saas_rbac.memberships m join saas_rbac.users u on u.id = m.user_id
             where m.tenant_id = $1 and lower(u.email) = lower($2)
         )",
    )
    .bind(tenant.as_uuid())
    .bind(email)
    .fetch_one(tx)
    .await
    .map_err(refused)
}

/// An invitation that nobody can take any more makes room for another one.
pub(super) async fn end_expired(
    tx: &mut ControlTx,
    tenant: TenantId,
    email: &str,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.invitations set revoked_at = $3, version = version + 1
         where tenant_id = $1 and lower(email) = lower($2)
           and accepted_at is null and revoked_at is null and expires_at <= $3",
    )
    .bind(tenant.as_uuid())
    .bind(email)
    .bind(now)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut ControlTx,
    tenant: TenantId,
    row: &Invited,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "insert into saas_rbac.invitations
             (tenant_id, id, email, role_mask, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(tenant.as_uuid())
    .bind(row.id.as_uuid())
    .bind(&row.email)
    .bind(row.role_mask)
    .bind(token_hash.as_slice())
    .bind(row.invited_by.as_uuid())
    .bind(now)
    .bind(row.expires_at)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn renew(
    tx: &mut ControlTx,
    tenant: TenantId,
    row: &Invited,
    token_hash: &[u8; 32],
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.invitations set token_hash = $3, expires_at = $4, version = version + 1
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(row.id.as_uuid())
    .bind(token_hash.as_slice())
    .bind(row.expires_at)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn revoke(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: InvitationId,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.invitations set revoked_at = $3, version = version + 1
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(now)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}
