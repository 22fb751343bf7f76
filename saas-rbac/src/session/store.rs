use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Clock, Scope, SessionId, TenantId, UserId};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Client, Session, SessionError, SessionKind, SessionPolicy,
    rows::{read_session, session_columns},
};
use crate::opaque::Opaque;

/// How often it is written when a session was last seen.
const SEEN: TimeDelta = TimeDelta::minutes(1);

/// How long a session that is over is remembered: what a token was stolen from is looked for later.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// All sessions. Cheap to clone. See the [module](super) for the rules.
#[derive(Debug, Clone)]
pub struct Sessions {
    databases: TenantDatabases,
    clock: Clock,
    policy: SessionPolicy,
}

/// Reads sessions that are not over at `$2`, by a condition.
macro_rules! select_alive {
    ($from:literal, $condition:literal) => {
        concat!(
            "select ",
            session_columns!(),
            " from saas_rbac.sessions s ",
            $from,
            " where s.revoked_at is null and s.idle_until > $2 and s.expires_at > $2 and ",
            $condition
        )
    };
}

impl Sessions {
    /// The sessions in the control plane of `databases`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, clock: Clock, policy: SessionPolicy) -> Self {
        Self { databases, clock, policy }
    }

    /// The session whose secret a browser presents; `None` when there is none, or it is over, or its
    /// person is disabled.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn resume(&self, secret: &SecretString) -> Result<Option<Session>, SessionError> {
        let Some(secret) = Opaque::parse(secret.expose_secret()) else { return Ok(None) };
        let now = self.clock.now();
        let mut tx = self.databases.identity().await?;
        let sql = select_alive!(
            "join saas_rbac.users u on u.id = s.user_id",
            "s.secret_hash = $1 and u.disabled_at is null"
        );
        let query = sqlx::query(sql).bind(secret.digest()).bind(now);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let Some(session) = row.as_ref().map(read_session).transpose()? else { return Ok(None) };
        if now - session.last_seen_at < SEEN {
            return Ok(Some(session));
        }
        let idle_until = self.policy.idle_until(now, session.expires_at);
        mark_seen(&mut tx, session.id, now, idle_until).await?;
        tx.commit().await?;
        Ok(Some(Session { last_seen_at: now, idle_until, ..session }))
    }

    /// The sessions of a person that are not over, the one that was used last first.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, user: UserId) -> Result<Vec<Session>, SessionError> {
        let mut tx = self.databases.identity().await?;
        let sql = select_alive!("", "s.user_id = $1 order by s.last_seen_at desc, s.id");
        let query = sqlx::query(sql).bind(user.as_uuid()).bind(self.clock.now());
        let rows = query.fetch_all(&mut tx).await.map_err(TenancyError::from)?;
        let read: Result<_, TenancyError> = rows.iter().map(read_session).collect();
        Ok(read?)
    }

    /// Ends one session of a person.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] when the person has no such session, or it is over;
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn revoke(&self, user: UserId, session: SessionId) -> Result<(), SessionError> {
        let mut tx = self.databases.identity().await?;
        if !revoke_in(&mut tx, user, session, self.clock.now(), "by_owner").await? {
            return Err(SessionError::NotFound);
        }
        Ok(tx.commit().await?)
    }

    /// Ends all sessions of a person but `keep`, and says how many.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn revoke_others(&self, user: UserId, keep: SessionId) -> Result<u64, SessionError> {
        self.revoke_all_but(user, Some(keep)).await
    }

    /// Ends all sessions of a person, and says how many.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn revoke_all(&self, user: UserId) -> Result<u64, SessionError> {
        self.revoke_all_but(user, None).await
    }

    /// Ends all sessions that are bound to the tenant of `scope`, and says how many.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn revoke_of_tenant(&self, scope: &Scope) -> Result<u64, SessionError> {
        let mut tx = self.databases.control(scope).await?;
        let sql = "update saas_rbac.sessions set revoked_at = $2, revoked_because = 'by_tenant'
             where tenant_id = $1 and revoked_at is null";
        let query = sqlx::query(sql).bind(scope.tenant().as_uuid()).bind(self.clock.now());
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Removes up to `limit` sessions that are over for a month, and says how many. To be run now
    /// and then.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the database cannot be asked.
    pub async fn sweep(&self, limit: u32) -> Result<u64, SessionError> {
        let mut tx = self.databases.identity().await?;
        let sql = "delete from saas_rbac.sessions where id in (
                 select s.id from saas_rbac.sessions s where s.expires_at < $1
                 order by s.expires_at limit $2 for update skip locked)";
        let query = sqlx::query(sql).bind(self.clock.now() - REMEMBERED).bind(i64::from(limit));
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    async fn revoke_all_but(
        &self,
        user: UserId,
        keep: Option<SessionId>,
    ) -> Result<u64, SessionError> {
        let mut tx = self.databases.identity().await?;
        let sql = "update saas_rbac.sessions set revoked_at = $2, revoked_because = 'by_owner'
             where user_id = $1 and revoked_at is null and id is distinct from $3";
        let query = sqlx::query(sql)
            .bind(user.as_uuid())
            .bind(self.clock.now())
            .bind(keep.map(SessionId::as_uuid));
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}

/// A session to be made.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) user: UserId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) kind: SessionKind,
    pub(crate) authenticated_at: DateTime<Utc>,
    pub(crate) second_factor_at: Option<DateTime<Utc>>,
    /// When it ends in any case.
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) idle_until: DateTime<Utc>,
    pub(crate) client: &'a Client,
    /// What the cookie will hold, for a browser's.
    pub(crate) secret: Option<&'a Opaque>,
}

/// Makes a session, in the transaction that has seen who it is for.
pub(crate) async fn insert(
    tx: &mut ControlTx,
    new: &NewSession<'_>,
    clock: &Clock,
    now: DateTime<Utc>,
) -> Result<Session, TenancyError> {
    let sql = concat!(
        "insert into saas_rbac.sessions as s
             (id, user_id, tenant_id, kind, secret_hash, created_at, authenticated_at,
              second_factor_at, last_seen_at, idle_until, expires_at, address, user_agent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $6, $9, $10, $11, $12)
         returning ",
        session_columns!(),
    );
    let query = sqlx::query(sql)
        .bind(SessionId::generate(clock).as_uuid())
        .bind(new.user.as_uuid())
        .bind(new.tenant.map(TenantId::as_uuid))
        .bind(new.kind.as_str())
        .bind(new.secret.map(Opaque::digest))
        .bind(now)
        .bind(new.authenticated_at)
        .bind(new.second_factor_at)
        .bind(new.idle_until)
        .bind(new.expires_at)
        .bind(new.client.address().map(|address| address.to_string()))
        .bind(new.client.user_agent());
    read_session(&query.fetch_one(tx).await?)
}

/// Ends a session of `user`, and says whether there was one to end.
pub(crate) async fn revoke_in(
    tx: &mut ControlTx,
    user: UserId,
    session: SessionId,
    now: DateTime<Utc>,
    because: &str,
) -> Result<bool, TenancyError> {
    let sql = "update saas_rbac.sessions set revoked_at = $3, revoked_because = $4
         where user_id = $1 and id = $2 and revoked_at is null";
    let query =
        sqlx::query(sql).bind(user.as_uuid()).bind(session.as_uuid()).bind(now).bind(because);
    Ok(query.execute(tx).await?.rows_affected() == 1)
}

/// Notes that a session is in use.
pub(crate) async fn mark_seen(
    tx: &mut ControlTx,
    session: SessionId,
    now: DateTime<Utc>,
    idle_until: DateTime<Utc>,
) -> Result<(), TenancyError> {
    let sql = "update saas_rbac.sessions set last_seen_at = $2, idle_until = $3 where id = $1";
    sqlx::query(sql).bind(session.as_uuid()).bind(now).bind(idle_until).execute(tx).await?;
    Ok(())
}

/// Whether a person belongs to a tenant.
pub(crate) async fn is_member(
    tx: &mut ControlTx,
    user: UserId,
    tenant: TenantId,
) -> Result<bool, TenancyError> {
    let sql = "select exists (select from saas_rbac.memberships_of($1) m where m.tenant_id = $2)";
    let query = sqlx::query_scalar(sql).bind(user.as_uuid()).bind(tenant.as_uuid());
    Ok(query.fetch_one(tx).await?)
}

impl Session {
    /// How long from `now` until the session ends in any case: the age of its cookie.
    #[must_use]
    pub fn remaining(&self, now: DateTime<Utc>) -> Duration {
        (self.expires_at - now).to_std().unwrap_or_default()
    }
}
