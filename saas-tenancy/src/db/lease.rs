//! A connection in use, and the promise under which it is given back.

#![expect(clippy::disallowed_types, reason = "a lease is what guards a connection")]

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use saas_core::TenantId;
use sqlx::{
    AssertSqlSafe, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    pool::{Busy, Connection, ServerPool, Target},
    recent::Recent,
    shares::Share,
    statement::{Checked, Effect, Persistence, check_verb},
};
use crate::error::TenancyError;

/// How long a broken-off statement may go on before its connection is closed.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection in use.
///
/// Its [`Phase`] says what the server may still think, and `drop` acts on it: a connection whose
/// transaction is not provably over never reaches the next borrower.
#[derive(Debug)]
pub(super) struct Lease {
    conn: Option<PgConnection>,
    phase: Phase,
    target: Target,
    born: Duration,
    reused: bool,
    /// What the statements of the transaction may have done.
    effect: Effect,
    /// Whether an earlier borrower's transaction has to be ended first.
    unfinished: bool,
    recent: Recent,
    /// Goes in front of every statement, to keep its plan apart from other tenants'.
    comment: Option<String>,
    pool: Arc<ServerPool>,
    permits: Option<Permits>,
}

/// Held as long as the connection is in use.
#[derive(Debug)]
#[expect(dead_code, reason = "held for what its drop does")]
struct Permits {
    connection: OwnedSemaphorePermit,
    share: Option<Share>,
    busy: Option<Busy>,
}

/// What the server may still think of this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No transaction is open and nothing is under way.
    Clean,
    /// A transaction is open and every message was answered.
    Open,
    /// A message was sent, or half sent, and its answer not read to the end.
    UnderWay,
    /// A statement failed; the server takes nothing but the end of the transaction.
    Failed,
}

impl Lease {
    pub(super) fn new(
        connection: Connection,
        pool: Arc<ServerPool>,
        permit: OwnedSemaphorePermit,
        busy: Option<Busy>,
    ) -> Self {
        let Connection { conn, target, born, idle_since, recent, unfinished } = connection;
        Self {
            conn: Some(conn),
            phase: Phase::Clean,
            target,
            born,
            reused: idle_since.is_some(),
            effect: Effect::Reads,
            unfinished,
            recent,
            comment: None,
            pool,
            permits: Some(Permits { connection: permit, share: None, busy }),
        }
    }

    /// Keeps a tenant's share as long as the connection.
    pub(super) fn with_share(mut self, share: Share) -> Self {
        if let Some(permits) = &mut self.permits {
            permits.share = Some(share);
        }
        self
    }

    /// Keeps the plans of `tenant`, whose tables are in a schema of its own, apart from others'.
    pub(super) fn with_plans_of(mut self, tenant: TenantId) -> Self {
        if self.pool.keeps_statements() {
            self.comment = self.recent.note(tenant, self.pool.options.statement_cache);
        }
        self
    }

    /// Whether somebody used the connection before, so that the server may have closed it since.
    pub(super) const fn is_reused(&self) -> bool {
        self.reused
    }

    /// Opens a transaction with `begin`, one message that also sets its context.
    ///
    /// The phase changes before the message leaves, so a future that is dropped half way leaves a
    /// lease that cleans up.
    ///
    /// This is the only way to a transaction, so one that an earlier borrower only read from can
    /// wait to be ended here, in the same message.
    pub(super) async fn begin(&mut self, begin: &str) -> Result<(), sqlx::Error> {
        let sql = if self.unfinished { format!("rollback; {begin}") } else { begin.to_owned() };
        let (conn, phase) = self.parts()?;
        *phase = Phase::UnderWay;
        conn.execute(AssertSqlSafe(sql)).await?;
        *phase = Phase::Open;
        self.unfinished = false;
        Ok(())
    }

    /// Ends the transaction of an earlier borrower, because nobody else has.
    pub(super) async fn finish(mut self) {
        if let Ok((conn, phase)) = self.parts() {
            *phase = Phase::UnderWay;
            if roll_back(conn).await {
                *phase = Phase::Clean;
                self.unfinished = false;
            } else {
                self.conn = None;
            }
        }
    }

    /// Ends the transaction and waits until the server has confirmed it.
    ///
    /// # Errors
    /// [`TenancyError::Database`] when the server does not confirm it, or when a statement of the
    /// transaction failed before: the server would answer `COMMIT` with a silent rollback.
    pub(super) async fn commit(mut self) -> Result<(), TenancyError> {
        if self.phase == Phase::Failed {
            return Err(TenancyError::Database(
                "a statement of the transaction failed, so nothing of it can be committed".into(),
            ));
        }
        let (conn, phase) = self.parts()?;
        *phase = Phase::UnderWay;
        conn.execute("commit").await?;
        *phase = Phase::Clean;
        Ok(())
    }

    /// The bare connection, outside of any transaction. Whoever takes it gives it back so and says
    /// so with [`release`](Self::release).
    #[cfg(feature = "test-util")]
    pub(super) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.phase = Phase::UnderWay;
        let conn = self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        if std::mem::take(&mut self.unfinished) {
            conn.execute("rollback").await?;
        }
        Ok(conn)
    }

    /// Gives a bare connection back to be used again.
    #[cfg(feature = "test-util")]
    pub(super) fn release(mut self) {
        self.phase = Phase::Clean;
    }

    /// Whether a statement of the transaction may have changed rows.
    pub(super) fn has_written(&self) -> bool {
        self.effect == Effect::Writes
    }

    fn note(&mut self, effect: Effect) {
        if effect == Effect::Writes {
            self.effect = effect;
        }
    }

    /// Whether the end of the transaction may wait for the next borrower: it holds no locks that
    /// others wait for, and no server connection of a pooler.
    fn may_stay_open(&self) -> bool {
        self.effect == Effect::Reads && self.pool.keeps_statements()
    }

    fn persistence(&self) -> Persistence {
        if self.pool.keeps_statements() { Persistence::Cached } else { Persistence::Unnamed }
    }

    fn parts(&mut self) -> Result<(&mut PgConnection, &mut Phase), sqlx::Error> {
        let conn = self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        Ok((conn, &mut self.phase))
    }

    /// [`Executor::fetch_many`] for checked statements.
    pub(super) fn fetch_many<'e, 'q: 'e, E>(&'e mut self, query: E) -> RowStream<'e>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let checked = Checked::new(query, self.persistence(), self.comment.as_deref());
        let started = checked.and_then(|query| {
            self.note(query.effect);
            Ok((query, self.parts()?))
        });
        match started {
            Ok((query, (conn, phase))) => {
                let rows = conn.fetch_many(query);
                Box::pin(Tracked { rows, message: Message::start(phase) })
            }
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    /// [`Executor::fetch_optional`] for checked statements.
    pub(super) fn fetch_optional<'e, 'q: 'e, E>(
        &'e mut self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let checked = Checked::new(query, self.persistence(), self.comment.as_deref());
        Box::pin(async move {
            let query = checked?;
            self.note(query.effect);
            let (conn, phase) = self.parts()?;
            let message = Message::start(phase);
            message.finish(conn.fetch_optional(query).await)
        })
    }

    /// [`Executor::prepare_with`] for checked statements.
    pub(super) fn prepare_with<'e>(
        &'e mut self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>> {
        Box::pin(async move {
            check_verb(sql.as_str())?;
            let (conn, phase) = self.parts()?;
            let message = Message::start(phase);
            message.finish(conn.prepare_with(sql, parameters).await)
        })
    }
}

/// Rows and counts, as the driver hands them out.
pub(super) type RowStream<'e> = BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>;

/// A message under way: what its end means for the lease.
struct Message<'e>(&'e mut Phase);

impl<'e> Message<'e> {
    /// A failure stays one until the transaction is over.
    fn start(phase: &'e mut Phase) -> Self {
        if *phase != Phase::Failed {
            *phase = Phase::UnderWay;
        }
        Self(phase)
    }

    /// The answer was read to its end.
    fn answered(&mut self) {
        if *self.0 == Phase::UnderWay {
            *self.0 = Phase::Open;
        }
    }

    fn failed(&mut self) {
        *self.0 = Phase::Failed;
    }

    fn finish<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if result.is_ok() {
            self.answered()
        } else {
            self.failed()
        }
        result
    }
}

/// Rows that tell the lease when the last of them was read.
struct Tracked<'e> {
    rows: RowStream<'e>,
    message: Message<'e>,
}

impl Stream for Tracked<'_> {
    type Item = Result<Either<PgQueryResult, PgRow>, sqlx::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = std::task::ready!(this.rows.poll_next_unpin(cx));
        match &next {
            None => this.message.answered(),
            Some(Err(_)) => this.message.failed(),
            Some(Ok(_)) => {}
        }
        Poll::Ready(next)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        let (target, born, recent) = (self.target, self.born, std::mem::take(&mut self.recent));
        let may_stay_open = self.may_stay_open();
        let give_back = move |pool: &ServerPool, conn, unfinished| {
            let idle_since = None;
            pool.put_back(Connection { conn, target, born, idle_since, recent, unfinished });
        };
        match self.phase {
            Phase::Clean => give_back(&self.pool, conn, self.unfinished),
            Phase::Open if may_stay_open => give_back(&self.pool, conn, true),
            Phase::Open => {
                if queue_rollback(&mut conn) {
                    give_back(&self.pool, conn, false);
                }
            }
            Phase::UnderWay | Phase::Failed => {
                let (pool, permits) = (Arc::clone(&self.pool), self.permits.take());
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    drop(runtime.spawn(async move {
                        if roll_back(&mut conn).await {
                            give_back(&pool, conn, false);
                        }
                        drop(permits);
                    }));
                }
            }
        }
    }
}

/// Sends `rollback` without waiting for the answer, and says whether it is on its way.
///
/// The server takes messages in order, so whatever the next borrower sends finds the transaction
/// over; the driver reads the outstanding answer before it sends anything. One poll is enough:
/// with every earlier answer read, the message is in the driver's buffer before the first point at
/// which the future could wait. Reading a page therefore does not wait for the end of its
/// transaction.
fn queue_rollback(conn: &mut PgConnection) -> bool {
    let answer = pin!(tokio::task::coop::unconstrained(conn.execute("rollback")));
    !matches!(answer.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)))
}

/// Waits for a broken-off statement and ends its transaction; `false` when the connection is lost.
async fn roll_back(conn: &mut PgConnection) -> bool {
    let ended = async {
        // The first answer may be the error of the statement that was broken off.
        loop {
            match conn.execute("rollback").await {
                Err(sqlx::Error::Database(_)) => {}
                other => return other.is_ok(),
            }
        }
    };
    tokio::time::timeout(CLEANUP_TIMEOUT, ended).await.unwrap_or(false)
}
