//! Who else is told of audit entries: a file, a log server, an application's own receiver.
//!
//! 1. A [`Sealer`](super::Sealer) tells every sink of sealed entries, each tenant's in the order of
//!    their numbers.
//! 2. How far a sink was told is kept in the control plane. What fails is told again, so a sink may
//!    hear of an entry twice, and never misses one. Number and tenant tell whether it has it already.
//! 3. A sink that fails holds up its own tenant's entries and nobody's requests.
//!
//! ```
//! use async_trait::async_trait;
//! use saas_core::BoxError;
//! use saas_tenancy::audit::{AuditSink, SealedEntry};
//!
//! #[derive(Debug)]
//! struct Count(std::sync::atomic::AtomicUsize);
//!
//! #[async_trait]
//! impl AuditSink for Count {
//!     fn name(&self) -> &str {
//!         "count"
//!     }
//!
//!     async fn deliver(&self, entries: &[SealedEntry]) -> Result<(), BoxError> {
//!         self.0.fetch_add(entries.len(), std::sync::atomic::Ordering::Relaxed);
//!         Ok(())
//!     }
//! }
//! ```

mod file;
mod syslog;

use std::fmt;

use async_trait::async_trait;
use saas_core::{BoxError, TenantId};

use super::{AuditError, AuditLog, rows::SealedEntry, verify::links};
use crate::db::TenantDb;

pub use file::FileSink;
pub use syslog::{SyslogSink, Transport};

/// How many entries a sink is told of at once.
const BATCH: i64 = 200;

/// Is told of audit entries, at least once each.
#[async_trait]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// The name under which it is kept how far this sink was told, at most 100 characters. It must
    /// stay the same.
    fn name(&self) -> &str;

    /// Takes entries of one tenant, in the order of their numbers. What it returns `Ok` for is not
    /// told again.
    ///
    /// # Errors
    /// Any; the same entries are told again later.
    async fn deliver(&self, entries: &[SealedEntry]) -> Result<(), BoxError>;
}

impl AuditLog {
    /// Tells `sink` of what it has not heard yet of a tenant's sealed entries.
    ///
    /// # Errors
    /// [`AuditError::Io`] when the sink fails, [`AuditError::Tenancy`] when a database does.
    pub async fn tell(&self, db: &mut TenantDb, sink: &dyn AuditSink) -> Result<(), AuditError> {
        let tenant = db.scope().tenant();
        let mut told = self.told(tenant, sink.name()).await?;
        loop {
            let page = links(db, told, i64::MAX, BATCH).await?;
            let Some(last) = page.last().map(|link| link.seq) else { return Ok(()) };
            // What is gone by retention cannot be told any more.
            let entries: Vec<_> = page.into_iter().filter_map(|link| link.sealed()).collect();
            sink.deliver(&entries).await.map_err(AuditError::Io)?;
            self.note_told(tenant, sink.name(), last).await?;
            told = last;
        }
    }

    async fn told(&self, tenant: TenantId, sink: &str) -> Result<i64, AuditError> {
        let mut tx = self.databases.lookup_of(tenant).await?;
        let seq: Option<i64> = sqlx::query_scalar(
            "select seq from saas_tenancy.audit_sinks where tenant_id = $1 and sink = $2",
        )
        .bind(tenant.as_uuid())
        .bind(sink)
        .fetch_optional(&mut tx)
        .await?;
        Ok(seq.unwrap_or(0))
    }

    async fn note_told(&self, tenant: TenantId, sink: &str, seq: i64) -> Result<(), AuditError> {
        let mut tx = self.databases.lookup_of(tenant).await?;
        sqlx::query(
            "insert into saas_tenancy.audit_sinks as s (tenant_id, sink, seq) values ($1, $2, $3)
             on conflict (tenant_id, sink) do update set seq = greatest(s.seq, excluded.seq)",
        )
        .bind(tenant.as_uuid())
        .bind(sink)
        .bind(seq)
        .execute(&mut tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
