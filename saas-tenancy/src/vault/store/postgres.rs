use async_trait::async_trait;
use saas_core::{Actor, BoxError, Clock, RequestId, TenantId};
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Change, KeyState, KeyStore, Keyring, NewKey, PAGE, Progress, ProgressState, Rewrapped,
    StoredKey,
};
use crate::{
    db::{SystemTx, TenantDatabases},
    error::TenancyError,
    vault::{
        error::VaultError,
        key::{KekId, KeyId, KeyOwner, WrappedKey},
    },
};

/// A [`KeyStore`] in the control plane's database.
///
/// Rings are read on the application's connections, one at a time. Changes are system work: they
/// need an admin address and leave a line in `saas_tenancy.system_audit`. Each is told on the
/// channel of tenants' changes when it commits.
#[derive(Debug, Clone)]
pub struct PostgresKeyStore {
    databases: TenantDatabases,
    clock: Clock,
}

impl PostgresKeyStore {
    /// A store on the control server of `databases`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, clock: Clock) -> Self {
        Self { databases, clock }
    }

    async fn system(&self, reason: &'static str) -> Result<SystemTx, VaultError> {
        let request = RequestId::generate(&self.clock);
        Ok(self.databases.system(&Actor::system("vault"), request, reason).await?)
    }

    /// The ring of `owner`, locked until the transaction ends; made first if it is missing.
    async fn lock_ring(&self, tx: &mut SystemTx, owner: KeyOwner) -> Result<Locked, VaultError> {
        let sql = "insert into saas_tenancy.keyrings (tenant_id, created_at) values ($1, $2)
             on conflict (tenant_id) do nothing";
        let query = sqlx::query(sql).bind(owner.as_uuid()).bind(self.clock.now());
        query.execute(&mut *tx).await.map_err(failed)?;
        let sql = "select destroyed_at is not null from saas_tenancy.keyrings
             where tenant_id = $1 for update";
        let query = sqlx::query_scalar(sql).bind(owner.as_uuid());
        let destroyed: bool = query.fetch_one(tx).await.map_err(failed)?;
        Ok(if destroyed { Locked::Destroyed } else { Locked::Open })
    }
}

/// What a locked ring is.
enum Locked {
    Open,
    Destroyed,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl KeyStore for PostgresKeyStore {
    async fn keyring(&self, owner: KeyOwner) -> Result<Keyring, VaultError> {
        let mut tx = self.databases.lookup().await?;
        let sql = "select destroyed, id, purpose, active, kek, wrapped
             from saas_tenancy.keys_of_tenant($1) order by id";
        let rows = sqlx::query(sql).bind(owner.as_uuid()).fetch_all(&mut tx).await;
        let rows = rows.map_err(failed)?;
        if let Some(row) = rows.first() {
            if row.try_get("destroyed").map_err(failed)? {
                return Ok(Keyring::Destroyed);
            }
            // A ring whose keys were all taken away by hand.
            if row.try_get::<Option<Uuid>, _>("id").map_err(failed)?.is_none() {
                return Ok(Keyring::Keys(Vec::new()));
            }
        }
        rows.iter().map(key).collect::<Result<_, _>>().map(Keyring::Keys)
    }

    async fn add(
        &self,
        owner: KeyOwner,
        key: NewKey,
        replaces: Option<KeyId>,
    ) -> Result<Change, VaultError> {
        let mut tx = self.system("keys.add").await?;
        if let Locked::Destroyed = self.lock_ring(&mut tx, owner).await? {
            return Err(VaultError::Destroyed);
        }
        let sql = "select id from saas_tenancy.tenant_keys
             where tenant_id = $1 and purpose = $2 and active";
        let query = sqlx::query_scalar(sql).bind(owner.as_uuid()).bind(key.purpose.as_str());
        let active: Option<Uuid> = query.fetch_optional(&mut tx).await.map_err(failed)?;
        if active.map(KeyId::from_uuid) != replaces {
            return Ok(Change::Lost);
        }
        let sql = "update saas_tenancy.tenant_keys set active = false
             where tenant_id = $1 and id = $2";
        let query = sqlx::query(sql).bind(owner.as_uuid()).bind(active);
        query.execute(&mut tx).await.map_err(failed)?;
        let sql = "insert into saas_tenancy.tenant_keys
                 (tenant_id, id, purpose, active, kek, wrapped, created_at)
             values ($1, $2, $3, true, $4, $5, $6)";
        let query = sqlx::query(sql)
            .bind(owner.as_uuid())
            .bind(key.id.as_uuid())
            .bind(key.purpose.as_str())
            .bind(key.wrapped.kek.as_str())
            .bind(&key.wrapped.bytes)
            .bind(self.clock.now());
        query.execute(&mut tx).await.map_err(failed)?;
        tx.commit().await?;
        Ok(Change::Made)
    }

    async fn wrapped_otherwise(
        &self,
        current: &KekId,
        after: Option<(KeyOwner, KeyId)>,
    ) -> Result<Vec<(KeyOwner, StoredKey)>, VaultError> {
        let mut tx = self.system("keys.list").await?;
        let sql = "select tenant_id, id, purpose, active, kek, wrapped
             from saas_tenancy.tenant_keys
             where kek <> $1 and ($2::uuid is null or (tenant_id, id) > ($2, $3))
             order by tenant_id, id limit $4";
        let query = sqlx::query(sql)
            .bind(current.as_str())
            .bind(after.map(|(owner, _)| owner.as_uuid()))
            .bind(after.map(|(_, id)| id.as_uuid()))
            .bind(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&mut tx).await.map_err(failed)?;
        tx.commit().await?;
        let of = |row| {
            let owner = PgRow::try_get(row, "tenant_id").map_err(failed)?;
            Ok((KeyOwner::from_uuid(owner), key(row)?))
        };
        rows.iter().map(of).collect()
    }

    async fn rewrap(&self, keys: &[Rewrapped]) -> Result<u64, VaultError> {
        let mut tx = self.system("keys.rewrap").await?;
        let mut replaced = 0;
        for Rewrapped { owner, id, from, to } in keys {
            let sql = "update saas_tenancy.tenant_keys set kek = $4, wrapped = $5
                 where tenant_id = $1 and id = $2 and kek = $3";
            let query = sqlx::query(sql)
                .bind(owner.as_uuid())
                .bind(id.as_uuid())
                .bind(from.as_str())
                .bind(to.kek.as_str())
                .bind(&to.bytes);
            replaced += query.execute(&mut tx).await.map_err(failed)?.rows_affected();
        }
        tx.commit().await?;
        Ok(replaced)
    }

    async fn destroy(&self, tenant: TenantId) -> Result<(), VaultError> {
        if tenant.as_uuid().is_nil() {
            return Err(VaultError::NotATenant);
        }
        let mut tx = self.system("keys.destroy").await?;
        if let Locked::Destroyed = self.lock_ring(&mut tx, KeyOwner::Tenant(tenant)).await? {
            return Ok(());
        }
        let sql = "update saas_tenancy.keyrings set destroyed_at = $2 where tenant_id = $1";
        let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(self.clock.now());
        query.execute(&mut tx).await.map_err(failed)?;
        let sql = "delete from saas_tenancy.tenant_keys where tenant_id = $1";
        sqlx::query(sql).bind(tenant.as_uuid()).execute(&mut tx).await.map_err(failed)?;
        Ok(tx.commit().await?)
    }

    async fn progress(&self, tenant: TenantId, job: &str) -> Result<Option<Progress>, VaultError> {
        let mut tx = self.system("reencryption.read").await?;
        let sql = "select key_id, reached, finished from saas_tenancy.reencryptions
             where tenant_id = $1 and job = $2";
        let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(job);
        let row = query.fetch_optional(&mut tx).await.map_err(failed)?;
        tx.commit().await?;
        row.as_ref().map(progress).transpose().map_err(failed)
    }

    async fn save_progress(
        &self,
        tenant: TenantId,
        job: &str,
        progress: Progress,
    ) -> Result<(), VaultError> {
        let mut tx = self.system("reencryption.save").await?;
        let sql = "insert into saas_tenancy.reencryptions
                 (tenant_id, job, key_id, reached, finished, updated_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, job) do update set key_id = excluded.key_id,
                 reached = excluded.reached, finished = excluded.finished,
                 updated_at = excluded.updated_at";
        let query = sqlx::query(sql)
            .bind(tenant.as_uuid())
            .bind(job)
            .bind(progress.key.as_uuid())
            .bind(progress.reached)
            .bind(progress.state == ProgressState::Finished)
            .bind(self.clock.now());
        query.execute(&mut tx).await.map_err(failed)?;
        Ok(tx.commit().await?)
    }
}

fn key(row: &PgRow) -> Result<StoredKey, VaultError> {
    let read = || {
        let kek = KekId::new(row.try_get::<String, _>("kek")?);
        let active = row.try_get("active")?;
        Ok::<_, BoxError>(StoredKey {
            id: KeyId::from_uuid(row.try_get("id")?),
            purpose: row.try_get::<&str, _>("purpose")?.parse()?,
            state: if active { KeyState::Active } else { KeyState::Retired },
            wrapped: WrappedKey { kek, bytes: row.try_get("wrapped")? },
        })
    };
    read().map_err(failed)
}

fn progress(row: &PgRow) -> Result<Progress, sqlx::Error> {
    let finished = row.try_get("finished")?;
    Ok(Progress {
        key: KeyId::from_uuid(row.try_get("key_id")?),
        reached: row.try_get("reached")?,
        state: if finished { ProgressState::Finished } else { ProgressState::Running },
    })
}

/// A store whose database fails is a store that fails: 503, and the client may try again.
fn failed(error: impl Into<BoxError>) -> VaultError {
    VaultError::Tenancy(TenancyError::Store(error.into()))
}
