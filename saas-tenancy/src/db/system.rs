use futures_util::{future::BoxFuture, stream::BoxStream};
use saas_core::{Actor, Clock, RequestId};
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use super::{lease::Lease, transaction::executor};
use crate::error::TenancyError;

/// The message that opens a system transaction. The admin's own rights are given up for the ones
/// that system work needs: rows of all tenants, but no change of tables or roles.
pub(super) const BEGIN: &str =
    "begin; set local role saas_admin; set local search_path = saas_tenancy, app";

/// A transaction of the application itself, across tenants: reports, sweeps, support.
///
/// It runs as `saas_admin` on connections of its own, states why, and leaves a line in
/// `saas_tenancy.system_audit` in the same transaction. Tenant requests have no way to get one.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct SystemTx {
    lease: Lease,
}

impl SystemTx {
    pub(super) async fn begin(
        lease: Lease,
        actor: &Actor,
        request: RequestId,
        clock: &Clock,
        reason: &str,
    ) -> Result<Self, TenancyError> {
        let mut tx = Self { lease };
        sqlx::query(
            "insert into saas_tenancy.system_audit (id, occurred_at, actor, reason, request_id)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(clock.uuid())
        .bind(clock.now())
        .bind(actor.to_string())
        .bind(reason)
        .bind(request.as_uuid())
        .execute(&mut tx)
        .await?;
        Ok(tx)
    }

    /// Makes the changes, and the line in the audit, last.
    ///
    /// # Errors
    /// [`TenancyError::Database`] when the database does not confirm it.
    pub async fn commit(self) -> Result<(), TenancyError> {
        self.lease.commit().await
    }
}

executor!(SystemTx);
