use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::TimeDelta;
use saas_core::TenantId;
use tokio::task::JoinHandle;

use super::{AuditError, AuditLog, sink::AuditSink};
use crate::error::TenancyError;

/// How many months ahead partitions are made.
const MONTHS_AHEAD: i32 = 3;

/// How often logs are sealed and signed, and who is told.
#[derive(Debug, Clone)]
#[must_use]
pub struct SealerOptions {
    every: Duration,
    sweep: Duration,
    checkpoint_entries: i64,
    checkpoint_after: TimeDelta,
    pub(super) sinks: Vec<Arc<dyn AuditSink>>,
}

impl Default for SealerOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            sweep: Duration::from_secs(300),
            checkpoint_entries: 1_000,
            checkpoint_after: TimeDelta::minutes(10),
            sinks: Vec::new(),
        }
    }
}

impl SealerOptions {
    /// Seals what this process wrote after a second, looks at all tenants every five minutes, and
    /// signs after 1,000 entries or ten minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long an entry that this process wrote waits for its seal.
    pub fn with_interval(self, every: Duration) -> Self {
        Self { every: every.max(Duration::from_millis(10)), ..self }
    }

    /// How often the logs of all tenants are looked at: for what other processes left behind.
    pub fn with_sweep(self, sweep: Duration) -> Self {
        Self { sweep: sweep.max(Duration::from_secs(1)), ..self }
    }

    /// After how many entries, and after how long, a log's end is signed again.
    pub fn with_checkpoints(self, entries: u32, after: TimeDelta) -> Self {
        Self { checkpoint_entries: i64::from(entries.max(1)), checkpoint_after: after, ..self }
    }

    /// Tells `sink` of every entry that is sealed.
    pub fn with_sink(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.sinks.push(sink);
        self
    }
}

/// Relays, seals and signs in the background, and tells the sinks. Stops when it is dropped.
///
/// Every process may run one: they take turns, tenant by tenant. To look at all tenants it lists them,
/// which needs an admin address; without one it works on what its own process wrote.
#[derive(Debug)]
pub struct Sealer(JoinHandle<()>);

impl Sealer {
    /// Starts the work.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn spawn(log: AuditLog, options: SealerOptions) -> Self {
        Self(tokio::spawn(run(log, options)))
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(log: AuditLog, options: SealerOptions) {
    let mut ticks = tokio::time::interval(options.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept: Option<Duration> = None;
    let mut waiting = BTreeSet::new();
    loop {
        ticks.tick().await;
        waiting.extend(log.databases.take_written());
        let now = log.clock.monotonic();
        if swept.is_none_or(|at| now.saturating_sub(at) >= options.sweep) {
            match log.sweep().await {
                Ok(all) => waiting.extend(all),
                Err(error) => warn(None, &error),
            }
            swept = Some(now);
        }
        let mut left = BTreeSet::new();
        for tenant in std::mem::take(&mut waiting) {
            match log.settle(tenant, &options).await {
                Ok(Settled::Done) => {}
                Ok(Settled::Waiting) => drop(left.insert(tenant)),
                // Not every second: the next sweep comes to it again.
                Err(error) => warn(Some(tenant), &error),
            }
        }
        waiting = left;
    }
}

/// Whether a log has entries that have to wait.
enum Settled {
    Done,
    Waiting,
}

impl AuditLog {
    /// Does all background work that is due for one tenant.
    async fn settle(
        &self,
        tenant: TenantId,
        options: &SealerOptions,
    ) -> Result<Settled, AuditError> {
        let mut db = match self.home_of(tenant).await {
            // It is gone since.
            Err(AuditError::Tenancy(TenancyError::NotFound)) => return Ok(Settled::Done),
            other => other?,
        };
        let end = self.seal_now(&mut db).await?;
        let (entries, after) = (options.checkpoint_entries, options.checkpoint_after);
        if self.is_due(tenant, &end, entries, after).await? {
            self.sign_end(&mut db, &end).await?;
        }
        for sink in &options.sinks {
            // One that fails does not keep the others waiting.
            if let Err(error) = self.tell(&mut db, &**sink).await {
                warn(Some(tenant), &error);
            }
        }
        Ok(if end.is_waiting { Settled::Waiting } else { Settled::Done })
    }

    /// All tenants, after their logs were given partitions for the months to come.
    async fn sweep(&self) -> Result<Vec<TenantId>, AuditError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(after, crate::store::PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(last.id);
            for tenant in page {
                if let Err(error) = self.make_partitions(tenant.id).await {
                    warn(Some(tenant.id), &error);
                }
                all.push(tenant.id);
            }
        }
    }

    /// Makes the partitions of this month and of those to come in a tenant's home.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when the database fails.
    pub async fn make_partitions(&self, tenant: TenantId) -> Result<(), AuditError> {
        let mut db = self.home_of(tenant).await?;
        let mut tx = db.begin().await?;
        sqlx::query("select saas_audit_partitions($1)").bind(MONTHS_AHEAD).execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

fn warn(tenant: Option<TenantId>, error: &AuditError) {
    let tenant = tenant.map(|id| id.to_string());
    tracing::error!(
        tenant.id = tenant,
        error = error as &dyn std::error::Error,
        "cannot work on an audit log; it is tried again"
    );
}
