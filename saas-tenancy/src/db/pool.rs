//! Connections to one server, over all its databases, under one budget.

#![expect(clippy::disallowed_types, reason = "the pool is what holds connections")]

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
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
///
/// It holds no snapshot, so nothing is kept from being vacuumed; a change of the tables it read
/// waits for it. Tenants with a database of their own come back to a connection tens of
/// milliseconds later, and a message to the server for each of them is what this saves.
const FINISH_AFTER: Duration = Duration::from_millis(100);

/// How long to wait for a tenant's own connection before another tenant's is closed to make room.
/// To open one costs the server as much as some thirty short requests, and the tenant that lost its
/// own has to open it again.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long the server lets a transaction wait for its next statement.
const IDLE_TIMEOUT: &str = "60s";

/// Which database of the server, as which role, a connection is logged in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// How many connections to a tenant's own database are in use.
    busy: Mutex<HashMap<Target, usize>>,
    /// Told when such a connection is no longer in use.
    returned: Notify,
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
        let unfinished = Arc::new(Notify::new());
        let told = Arc::clone(&unfinished);
        let (idle, busy, returned) = (Mutex::default(), Mutex::default(), Notify::new());
        let pool = Arc::new(Self { options, clock, permits, idle, busy, returned, unfinished });
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
        let found = self.idle_or_room(target).await;
        let busy = Busy::note(self, target);
        if let Some(idle) = found {
            return Ok(Lease::new(idle, Arc::clone(self), permit, busy));
        }
        let conn = self.connect(target, connect()?).await?;
        let born = self.clock.monotonic();
        let recent = Recent::default();
        let connection =
            Connection { conn, target, born, idle_since: None, recent, unfinished: false };
        Ok(Lease::new(connection, Arc::clone(self), permit, busy))
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

    /// An idle connection to `target`, or else room to open one.
    ///
    /// Where room can only be made by closing an idle connection, and a connection to `target` is
    /// in use, it waits a moment for that one first.
    async fn idle_or_room(&self, target: Target) -> Option<Connection> {
        let mut patience = pin!(tokio::time::sleep(PATIENCE));
        let mut mood = Mood::Patient;
        loop {
            let mut returned = pin!(self.returned.notified());
            // From here on no return is missed.
            returned.as_mut().enable();
            match self.take(target, mood) {
                Taken::Idle(connection) => return Some(connection),
                Taken::Room(evicted) => {
                    close(evicted);
                    return None;
                }
                Taken::Wait => {}
            }
            tokio::select! {
                () = returned => {}
                () = &mut patience => mood = Mood::Hurried,
            }
        }
    }

    /// The idle connection to `target` that was used last, or else the idle connection that must
    /// be closed to make room.
    fn take(&self, target: Target, mood: Mood) -> Taken {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = idle.iter().rposition(|one| one.target == target) {
            return Taken::Idle(idle.remove(at));
        }
        let in_use = self.options.connections - self.permits.available_permits();
        if in_use + idle.len() <= self.options.connections || idle.is_empty() {
            return Taken::Room(None);
        }
        if mood == Mood::Patient && self.busy().contains_key(&target) {
            return Taken::Wait;
        }
        Taken::Room(Some(idle.remove(0)))
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<Target, usize>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
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
        let busy = Busy::note(self, connection.target);
        Some(Lease::new(connection, Arc::clone(self), permit, busy))
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

/// Whether somebody who needs a connection has waited for one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Patient,
    Hurried,
}

/// What there is for somebody who needs a connection.
enum Taken {
    /// One that lay idle.
    Idle(Connection),
    /// Room to open one, after this one of another target is closed.
    Room(Option<Connection>),
    /// One that may come back soon.
    Wait,
}

/// A connection to a tenant's own database is in use.
#[derive(Debug)]
pub(super) struct Busy {
    pool: Arc<ServerPool>,
    target: Target,
}

impl Busy {
    /// Counts a connection; only those to a tenant's own database are worth waiting for.
    fn note(pool: &Arc<ServerPool>, target: Target) -> Option<Self> {
        let Target::Tenant(_) = target else { return None };
        *pool.busy().entry(target).or_default() += 1;
        Some(Self { pool: Arc::clone(pool), target })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut busy = self.pool.busy();
        if let Some(count) = busy.get_mut(&self.target) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.target);
            }
        }
        drop(busy);
        self.pool.returned.notify_waiters();
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
