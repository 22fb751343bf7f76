//! The statements on keys.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use saas_core::{ApiKeyId, TenantId, UserId};
use saas_tenancy::db::{ControlTx, TenantDatabases};
use sqlx::{Row, postgres::PgRow};

use super::ApiKey;
use crate::{
    error::AccessError,
    sql::{refused, unavailable},
};

/// A key as the database holds it.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    pub(super) tenant: TenantId,
    pub(super) key: ApiKey,
    hash: Vec<u8>,
    previous: Option<(Vec<u8>, DateTime<Utc>)>,
}

impl KeyRow {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let previous: Option<Vec<u8>> = row.try_get("previous_hash")?;
        let until: Option<DateTime<Utc>> = row.try_get("previous_until")?;
        Ok(Self {
            tenant: TenantId::from_uuid(row.try_get("tenant_id")?),
            key: ApiKey {
                id: ApiKeyId::from_uuid(row.try_get("id")?),
                name: row.try_get("name")?,
                prefix: row.try_get("prefix")?,
                scopes: row.try_get("scopes")?,
                owner: UserId::from_uuid(row.try_get("owner_id")?),
                created_at: row.try_get("created_at")?,
                expires_at: row.try_get("expires_at")?,
                revoked_at: row.try_get("revoked_at")?,
                last_used_at: row.try_get("last_used_at")?,
            },
            hash: row.try_get("secret_hash")?,
            previous: previous.zip(until),
        })
    }

    /// Whether a secret with this hash is the current one, or the one before and still good.
    pub(super) fn is_secret(&self, hash: &[u8; 32], now: DateTime<Utc>) -> bool {
        let is = |known: &[u8]| verify_slices_are_equal(known, hash).is_ok();
        let before = self.previous.as_ref().is_some_and(|(old, until)| is(old) && now < *until);
        is(&self.hash) || before
    }
}

/// The columns of a key, in front of where they are to be found.
macro_rules! select_key {
    ($rest:literal) => {
        concat!(
            "select tenant_id, id, name, prefix, secret_hash, previous_hash, previous_until, scopes,
                    owner_id, created_at, expires_at, revoked_at, last_used_at
             from saas_rbac.api_keys ",
            $rest
        )
    };
}

/// A key that was presented: its tenant is not known yet.
pub(super) async fn by_id(
    databases: &TenantDatabases,
    id: ApiKeyId,
) -> Result<Option<KeyRow>, AccessError> {
    let mut tx = databases.identity().await?;
    let query = sqlx::query(select_key!("where id = $1")).bind(id.as_uuid());
    let row = query.fetch_optional(&mut tx).await.map_err(unavailable)?;
    row.map(|row| KeyRow::read(&row).map_err(unavailable)).transpose()
}

pub(super) async fn list(tx: &mut ControlTx, tenant: TenantId) -> Result<Vec<ApiKey>, AccessError> {
    let query = sqlx::query(select_key!("where tenant_id = $1 order by id desc limit 1000"));
    let rows = query.bind(tenant.as_uuid()).fetch_all(tx).await.map_err(refused)?;
    rows.iter().map(|row| KeyRow::read(row).map(|row| row.key).map_err(refused)).collect()
}

/// Reads a key, which nobody else changes until the transaction ends.
pub(super) async fn lock(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: ApiKeyId,
) -> Result<ApiKey, AccessError> {
    let query = sqlx::query(select_key!("where tenant_id = $1 and id = $2 for no key update"));
    let query = query.bind(tenant.as_uuid()).bind(id.as_uuid());
    let row = query.fetch_optional(tx).await.map_err(refused)?;
    let row = row.ok_or(AccessError::NotFound("api key"))?;
    KeyRow::read(&row).map(|row| row.key).map_err(refused)
}

pub(super) async fn insert(
    tx: &mut ControlTx,
    tenant: TenantId,
    key: &ApiKey,
    hash: &[u8; 32],
) -> Result<(), AccessError> {
    sqlx::query(
        "insert into saas_rbac.api_keys
             (tenant_id, id, name, prefix, secret_hash, scopes, owner_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant.as_uuid())
    .bind(key.id.as_uuid())
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(hash.as_slice())
    .bind(&key.scopes)
    .bind(key.owner.as_uuid())
    .bind(key.created_at)
    .bind(key.expires_at)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Gives a key another secret. The one before is good until `until`.
pub(super) async fn rotate(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: ApiKeyId,
    hash: &[u8; 32],
    until: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.api_keys
         set previous_hash = secret_hash, previous_until = $4, secret_hash = $3, version = version + 1
         where tenant_id = $1 and id = $2",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(hash.as_slice())
    .bind(until)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

pub(super) async fn revoke(
    tx: &mut ControlTx,
    tenant: TenantId,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<(), AccessError> {
    sqlx::query(
        "update saas_rbac.api_keys set revoked_at = $3, version = version + 1
         where tenant_id = $1 and id = $2 and revoked_at is null",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(now)
    .execute(tx)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Writes that a key was used, if nobody has since `before`.
pub(super) async fn note_use(
    databases: &TenantDatabases,
    tenant: TenantId,
    id: ApiKeyId,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<(), AccessError> {
    let mut tx = databases.identity().await?;
    sqlx::query(
        "update saas_rbac.api_keys set last_used_at = $3
         where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)",
    )
    .bind(tenant.as_uuid())
    .bind(id.as_uuid())
    .bind(now)
    .bind(before)
    .execute(&mut tx)
    .await
    .map_err(refused)?;
    Ok(tx.commit().await?)
}
