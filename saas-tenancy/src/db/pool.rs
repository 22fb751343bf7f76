//! Connections to one server, over all its databases, under one budget.

#![expect(clippy::disallowed_types, reason = "the pool is what holds connections")]

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use saas_core::{Clock, TenantId};
use sqlx::{ConnectOptions, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{Notify, Semaphore};

use super::{
    lease::Lease,
    options::{DatabaseOptions, Pooler},
    recent::Recent,
    row_level::SCHEMA,
};
use crate::error::TenancyError;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// [`Limits::default`](crate::tenant::Limits), which most tenants have.
const DEFAULT_STATEMENT_TIMEOUT: &str = "10000";

/// How long a transaction that was only read from may stay open for the next borrower to end.
const FINISH_AFTER: Duration = Duration::from_millis(10);

/// How long the server lets a transaction wait for its next statement.
const IDLE_TIMEOUT: &str = "60s";

/// Which database of the server, as which role, a connection is logged in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The common database, as the application's role.
    App,
    /// The common database, as the admin.
    Admin,
    /// A tenant's own database, as its role.
    Tenant(TenantId),
}

/// Connections to one server.
///
/// A permit is held by every connection in use; the ones out of use lie in `idle`, oldest first.
/// Their sum stays within the budget because whoever holds a permit and must connect first closes
/// an idle connection when there is no room: with the permit counted, there must be one.
#[derive(Debug)]
pub(super) struct ServerPool {
    pub(super) options: DatabaseOptions,
    pub(super) clock: Clock,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Told when a connection with an open transaction lies in `idle`.
    unfinished: Arc<Notify>,
}

/// A connection to one database of the server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) conn: PgConnection,
    pub(super) target: Target,
    pub(super) born: Duration,
    /// When it was given back last; `None` before its first use.
    pub(super) idle_since: Option<Duration>,
    pub(super) recent: Recent,
    /// Whether a transaction that only has to be rolled back is still open on it.
    pub(super) unfinished: bool,
}

impl ServerPool {
    pub(super) fn new(options: DatabaseOptions, clock: Clock) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(options.connections));
        let (idle, unfinished) = (Mutex::default(), Arc::new(Notify::new()));
        let told = Arc::clone(&unfinished);
        let pool = Arc::new(Self { options, clock, permits, idle, unfinished });
        tokio::spawn(reap(Arc::downgrade(&pool)));
        tokio::spawn(finish(Arc::downgrade(&pool), told));
        pool
    }

    /// Waits for a permit and hands out a connection to `target`, an idle one if there is any.
    /// `connect` is asked for the address only when a connection has to be opened.
    ///
    /// # Errors
    /// [`TenancyError::Busy`] when no connection became free in time, [`TenancyError::Database`]
    /// when the server refuses one.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        target: Target,
        connect: impl FnOnce() -> Result<PgConnectOptions, TenancyError>,
    ) -> Result<Lease, TenancyError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(self.options.acquire_timeout, permit)
            .await
            .map_err(|_| TenancyError::Busy)?
            .map_err(|_| TenancyError::Busy)?;
        let (found, evicted) = self.take(target);
        close(evicted);
        if let Some(idle) = found {
            return Ok(Lease::new(idle, Arc::clone(self), permit));
        }
        let conn = self.connect(target, connect()?).await?;
        let born = self.clock.monotonic();
        let recent = Recent::default();
        let connection =
            Connection { conn, target, born, idle_since: None, recent, unfinished: false };
        Ok(Lease::new(connection, Arc::clone(self), permit))
    }

    /// Hands out a connection on which `begin` was said.
    ///
    /// An idle connection may have been closed by the server; nothing was done on it yet, so the
    /// next one is tried, and at last a fresh one.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`TenancyError::Database`] when the message fails.
    pub(super) async fn begin(
        self: &Arc<Self>,
        target: Target,
        connect: impl Fn() -> Result<PgConnectOptions, TenancyError>,
        begin: &str,
    ) -> Result<Lease, TenancyError> {
        loop {
            let mut lease = self.acquire(target, &connect).await?;
            match lease.begin(begin).await {
                Ok(()) => return Ok(lease),
                Err(error) if lease.is_reused() && is_lost(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn connect(
        &self,
        target: Target,
        options: PgConnectOptions,
    ) -> Result<PgConnection, TenancyError> {
        let mut options = options
            .statement_cache_capacity(self.options.statement_cache)
            .application_name("saas")
            .disable_statement_logging();
        // Poolers refuse start-up settings that they do not know.
        if self.keeps_statements() && target != Target::Admin {
            options = options.options([
                ("search_path", SCHEMA),
                ("statement_timeout", DEFAULT_STATEMENT_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
            ]);
        }
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
        match connecting.await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) if is_full(&error) => Err(TenancyError::Busy),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(TenancyError::Busy),
        }
    }

    /// The idle connection to `target` that was used last, or else the idle connection that must
    /// be closed to make room.
    fn take(&self, target: Target) -> (Option<Connection>, Option<Connection>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = idle.iter().rposition(|one| one.target == target) {
            return (Some(idle.remove(at)), None);
        }
        let in_use = self.options.connections - self.permits.available_permits();
        let full = in_use + idle.len() > self.options.connections;
        (None, if full && !idle.is_empty() { Some(idle.remove(0)) } else { None })
    }

    /// Takes back a connection whose transaction is over, or closes it when it has lived too long.
    pub(super) fn put_back(&self, connection: Connection) {
        let now = self.clock.monotonic();
        let connection = Connection { idle_since: Some(now), ..connection };
        if now.saturating_sub(connection.born) >= self.options.max_lifetime {
            return close(Some(connection));
        }
        let unfinished = connection.unfinished;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        if unfinished {
            self.unfinished.notify_one();
        }
    }

    /// A connection that nobody has used for a while although a transaction is open on it.
    ///
    /// It needs a permit like any other; without a free one the pool is in use, and whoever takes
    /// the connection next ends the transaction.
    fn take_unfinished(self: &Arc<Self>) -> Option<Lease> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let now = self.clock.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|one| {
            let since = one.idle_since.unwrap_or_default();
            one.unfinished && now.saturating_sub(since) >= FINISH_AFTER
        })?;
        let connection = idle.remove(at);
        drop(idle);
        Some(Lease::new(connection, Arc::clone(self), permit))
    }

    fn has_unfinished(&self) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().any(|one| one.unfinished)
    }

    /// Closes every idle connection to `target`, before its database is dropped.
    pub(super) fn forget(&self, target: Target) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, kept) = idle.drain(..).partition(|one| one.target == target);
        *idle = kept;
        drop(idle);
        close::<Vec<Connection>>(gone);
    }

    /// Whether statements may stay prepared on a connection.
    pub(super) fn keeps_statements(&self) -> bool {
        self.options.pooler == Pooler::None
    }

    fn close_expired(&self) {
        let now = self.clock.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = |one: &Connection| {
            let idle = one.idle_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
            idle >= self.options.idle_timeout
                || now.saturating_sub(one.born) >= self.options.max_lifetime
        };
        let (gone, kept) = idle.drain(..).partition(expired);
        *idle = kept;
        drop(idle);
        close::<Vec<Connection>>(gone);
    }
}

/// Whether the connection, rather than the statement, failed.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        // Class 57P: the server shuts down or the backend was terminated.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => true,
    }
}

/// Whether the server takes no more connections, from us or from anybody.
fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("53300")
}

/// Says good-bye to the server in the background; nobody waits for it.
fn close<C: IntoIterator<Item = Connection>>(connections: C) {
    for one in connections {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(one.conn.close()));
        }
    }
}

/// Closes what nobody uses, until the pool is gone.
async fn reap(pool: Weak<ServerPool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.close_expired();
    }
}

/// Ends transactions that were left open for the next borrower to end, when none has come.
///
/// It must not keep the pool while it waits: a pool that is dropped closes its connections.
async fn finish(pool: Weak<ServerPool>, told: Arc<Notify>) {
    loop {
        told.notified().await;
        loop {
            tokio::time::sleep(FINISH_AFTER).await;
            let Some(pool) = pool.upgrade() else { return };
            while let Some(lease) = pool.take_unfinished() {
                lease.finish().await;
            }
            if !pool.has_unfinished() {
                break;
            }
        }
    }
}

impl Drop for ServerPool {
    fn drop(&mut self) {
        // Lets `finish` see that there is nothing left to do.
        self.unfinished.notify_one();
    }
}
