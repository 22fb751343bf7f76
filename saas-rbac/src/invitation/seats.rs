use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{BoxError, TenantId};
use saas_tenancy::db::ControlTx;

use crate::{error::AccessError, sql::refused};

/// How many people may belong to a tenant: what its plan says.
#[async_trait]
pub trait Seats: fmt::Debug + Send + Sync + 'static {
    /// The number of seats, `None` for any number.
    ///
    /// # Errors
    /// When it cannot be told now. Nobody is invited then.
    async fn limit(&self, tenant: TenantId) -> Result<Option<u32>, BoxError>;
}

/// Any number of people.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

#[async_trait]
impl Seats for Unlimited {
    async fn limit(&self, _tenant: TenantId) -> Result<Option<u32>, BoxError> {
        Ok(None)
    }
}

/// Waits until nobody else takes a seat of the tenant.
pub(crate) async fn lock(tx: &mut ControlTx, tenant: TenantId) -> Result<(), AccessError> {
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('saas_rbac.seats:' || $1::text, 0))",
    )
    .bind(tenant.as_uuid())
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Refuses when members and open invitations have taken all seats. Call it behind the [`lock`], or
/// two count the same free seat.
pub(crate) async fn require_free(
    tx: &mut ControlTx,
    tenant: TenantId,
    limit: Option<u32>,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    let Some(limit) = limit else { return Ok(()) };
    let taken: i64 = sqlx::query_scalar(
        "select (select count(*) from saas_rbac.memberships where tenant_id = $1)
              + (select count(*) from saas_rbac.invitations
                 where tenant_id = $1 and accepted_at is null and revoked_at is null
                   and expires_at > $2)",
    )
    .bind(tenant.as_uuid())
    .bind(now)
    .fetch_one(tx)
    .await
    .map_err(refused)?;
    if taken < i64::from(limit) { Ok(()) } else { Err(AccessError::SeatLimit { limit }) }
}
