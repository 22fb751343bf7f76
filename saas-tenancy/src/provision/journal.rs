//! What is done for a tenant that is not finished: `saas_tenancy.provisioning`.

use saas_core::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ProvisionError, Step};

/// The name of the entry that says that work began. It is written before the tenant's row, so that
/// no row is ever without it.
const OPEN: &str = "begin";

/// How long to wait for another process that works on the same tenant.
const PATIENCE: &str = "set lock_timeout = '60s'";

/// When work on a tenant began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// With this call.
    Now,
    /// Earlier; there may be something to keep.
    Before,
}

/// The entries of one tenant, and its lock.
///
/// The lock belongs to the session: it ends with the connection, however the process ends.
#[derive(Debug)]
pub(super) struct Journal {
    conn: PgConnection,
    tenant: Uuid,
}

impl Journal {
    /// Waits until no other process works on the tenant.
    pub(super) async fn lock(
        mut conn: PgConnection,
        tenant: TenantId,
    ) -> Result<Self, ProvisionError> {
        sqlx::raw_sql(PATIENCE).execute(&mut conn).await?;
        sqlx::query("select pg_advisory_lock(hashtextextended('saas provisioning ' || $1, 0))")
            .bind(tenant.to_string())
            .execute(&mut conn)
            .await?;
        Ok(Self { conn, tenant: tenant.as_uuid() })
    }

    /// Notes that work on the tenant begins, and says whether it had begun before.
    pub(super) async fn open(&mut self) -> Result<Begun, ProvisionError> {
        Ok(if self.note(OPEN).await? == 0 { Begun::Before } else { Begun::Now })
    }

    /// Notes that a step is done.
    pub(super) async fn record(&mut self, step: Step) -> Result<(), ProvisionError> {
        self.note(step.as_str()).await.map(|_| ())
    }

    /// The names of the steps that are done.
    pub(super) async fn done(&mut self) -> Result<Vec<String>, ProvisionError> {
        let sql = "select step from saas_tenancy.provisioning where tenant_id = $1";
        Ok(sqlx::query_scalar(sql).bind(self.tenant).fetch_all(&mut self.conn).await?)
    }

    /// Keeps only that work began.
    pub(super) async fn forget_steps(&mut self) -> Result<(), ProvisionError> {
        self.open().await?;
        let sql = "delete from saas_tenancy.provisioning where tenant_id = $1 and step <> $2";
        sqlx::query(sql).bind(self.tenant).bind(OPEN).execute(&mut self.conn).await?;
        Ok(())
    }

    /// Work is finished: the tenant is ready, or gone.
    pub(super) async fn close(&mut self) -> Result<(), ProvisionError> {
        let sql = "delete from saas_tenancy.provisioning where tenant_id = $1";
        sqlx::query(sql).bind(self.tenant).execute(&mut self.conn).await?;
        Ok(())
    }

    async fn note(&mut self, step: &str) -> Result<u64, ProvisionError> {
        let done = sqlx::query(
            "insert into saas_tenancy.provisioning (tenant_id, step, done_at)
             values ($1, $2, now()) on conflict (tenant_id, step) do nothing",
        )
        .bind(self.tenant)
        .bind(step)
        .execute(&mut self.conn)
        .await?;
        Ok(done.rows_affected())
    }
}

/// The tenants whose work is not finished, oldest first.
pub(super) async fn unfinished(conn: &mut PgConnection) -> Result<Vec<TenantId>, ProvisionError> {
    let sql = "select tenant_id from saas_tenancy.provisioning group by 1 order by min(done_at), 1";
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).fetch_all(conn).await?;
    Ok(ids.into_iter().map(TenantId::from_uuid).collect())
}
