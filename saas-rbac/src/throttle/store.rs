//! Counts in the table `throttles`.

use std::time::Duration;

use aws_lc_rs::rand;
use chrono::{DateTime, TimeDelta, Utc};
use saas_core::UserId;
use saas_tenancy::{TenancyError, db::ControlTx};

use super::{Attempt, KNOWN, Throttle, TooMany, bucket::Bucket};
use crate::{session::Client, user::Email};

/// Counts an attempt in each bucket that does not wait. In the order of their keys, so that two who
/// count the same never wait for each other in a circle.
const COUNT: &str = "
    insert into saas_rbac.throttles as t (key, failures, first_at, blocked_until, forget_at)
    select b.key, 1, $5, $5, $5 + make_interval(secs => b.memory)
    from unnest($1::bytea[], $2::int[], $3::int[], $4::int[]) b (key, free, longest, memory)
    order by b.key
    on conflict (key) do update set
        failures = case when t.forget_at <= $5 then 1 else least(t.failures, 999999) + 1 end,
        first_at = case when t.forget_at <= $5 then $5 else t.first_at end,
        blocked_until = case
            when t.forget_at <= $5
                or t.failures < ($2::int[])[array_position($1::bytea[], t.key)]
            then $5
            else $5 + make_interval(secs => least(
                ($3::int[])[array_position($1::bytea[], t.key)],
                power(2, least(30, t.failures - ($2::int[])[array_position($1::bytea[], t.key)]))))
        end,
        forget_at = excluded.forget_at
    where t.blocked_until <= $5 or t.forget_at <= $5
    returning t.key";

/// How many rows that are over are removed at once.
const SWEEP: i64 = 200;

impl Throttle {
    /// Counts a log-in before it is tried.
    pub(crate) async fn sign_in(
        &self,
        account: &str,
        client: &Client,
    ) -> Result<Result<Attempt, TooMany>, TenancyError> {
        let mut attempt = self.of_sign_in(account, client.network());
        let mut tx = self.databases.identity().await?;
        if let Some(pair) = &attempt.pair
            && is_known(&mut tx, &pair.known, self.clock.now()).await?
        {
            attempt.buckets = vec![pair.bucket.clone()];
        }
        self.count(tx, attempt).await
    }

    /// Counts a code before it is looked at.
    pub(crate) async fn second_factor(
        &self,
        user: UserId,
    ) -> Result<Result<Attempt, TooMany>, TenancyError> {
        let tx = self.databases.identity().await?;
        self.count(tx, self.of_second_factor(user)).await
    }

    /// Counts a mail before it is sent. There is no success: each one counts.
    pub(crate) async fn mail(
        &self,
        email: &Email,
        client: &Client,
    ) -> Result<Result<(), TooMany>, TenancyError> {
        let tx = self.databases.identity().await?;
        let counted = self.count(tx, self.of_mail(email, client)).await?;
        Ok(counted.map(|_counted| ()))
    }

    /// Takes back an attempt that succeeded, and remembers the address with the account.
    pub(crate) async fn succeeded(&self, attempt: Attempt) -> Result<(), TenancyError> {
        let mut tx = self.databases.identity().await?;
        take_back(&mut tx, &attempt, attempt.pair.as_ref().map(|pair| &pair.bucket)).await?;
        if let Some(pair) = &attempt.pair {
            remember(&mut tx, &pair.known, self.clock.now()).await?;
        }
        tx.commit().await
    }

    /// Takes back an attempt that was neither right nor wrong.
    pub(crate) async fn undecided(&self, attempt: Attempt) -> Result<(), TenancyError> {
        let mut tx = self.databases.identity().await?;
        take_back(&mut tx, &attempt, None).await?;
        tx.commit().await
    }

    /// Forgets what was counted against an account whose owner has shown who they are by mail, and
    /// remembers their address with it.
    pub(crate) async fn cleared(&self, account: &str, client: &Client) -> Result<(), TenancyError> {
        let attempt = self.of_sign_in(account, client.network());
        // Not the count of the address alone, which is about others, too.
        let keys: Vec<_> = attempt.buckets.into_iter().take(2).map(|bucket| bucket.key).collect();
        let mut tx = self.databases.identity().await?;
        let sql = "delete from saas_rbac.throttles where key = any($1)";
        sqlx::query(sql).bind(keys).execute(&mut tx).await?;
        if let Some(pair) = &attempt.pair {
            remember(&mut tx, &pair.known, self.clock.now()).await?;
        }
        tx.commit().await
    }

    /// Removes up to `limit` counts that are over, and says how many. Attempts do so by themselves now
    /// and then; this is for an application that has a moment for it.
    ///
    /// # Errors
    /// [`TenancyError`] when the database cannot be asked.
    pub async fn sweep(&self, limit: u32) -> Result<u64, TenancyError> {
        let mut tx = self.databases.identity().await?;
        let removed = sweep(&mut tx, self.clock.now(), i64::from(limit)).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Counts in all buckets or, when one of them waits, in none.
    async fn count(
        &self,
        mut tx: ControlTx,
        attempt: Attempt,
    ) -> Result<Result<Attempt, TooMany>, TenancyError> {
        let now = self.clock.now();
        let column = |of: fn(&Bucket) -> i32| attempt.buckets.iter().map(of).collect::<Vec<_>>();
        let keys: Vec<_> = attempt.buckets.iter().map(|bucket| bucket.key.clone()).collect();
        let query = sqlx::query(COUNT)
            .bind(&keys)
            .bind(column(|bucket| bucket.limit.free))
            .bind(column(|bucket| bucket.limit.longest))
            .bind(column(|bucket| bucket.limit.memory))
            .bind(now);
        let counted = query.fetch_all(&mut tx).await?.len();
        if counted < keys.len() {
            // Dropping the transaction takes the other counts back.
            let blocked_until = longest_wait(&mut tx, &keys).await?;
            let wait = blocked_until.unwrap_or(now) - now;
            return Ok(Err(TooMany { retry_after: whole_seconds(wait) }));
        }
        if is_time_to_sweep() {
            sweep(&mut tx, now, SWEEP).await?;
        }
        tx.commit().await?;
        Ok(Ok(attempt))
    }
}

async fn is_known(
    tx: &mut ControlTx,
    key: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, TenancyError> {
    let sql =
        "select exists (select from saas_rbac.throttles t where t.key = $1 and t.forget_at > $2)";
    Ok(sqlx::query_scalar(sql).bind(key).bind(now).fetch_one(tx).await?)
}

/// A row that never waits: the table counts from one.
async fn remember(tx: &mut ControlTx, key: &[u8], now: DateTime<Utc>) -> Result<(), TenancyError> {
    let sql = "insert into saas_rbac.throttles as t
             (key, failures, first_at, blocked_until, forget_at)
         values ($1, 1, $2, $2, $3)
         on conflict (key) do update set forget_at = excluded.forget_at";
    sqlx::query(sql).bind(key).bind(now).bind(now + KNOWN).execute(tx).await?;
    Ok(())
}

/// Takes the one count of an attempt back; what is counted by `anew` starts again.
async fn take_back(
    tx: &mut ControlTx,
    attempt: &Attempt,
    anew: Option<&Bucket>,
) -> Result<(), TenancyError> {
    let keys: Vec<_> = attempt.buckets.iter().map(|bucket| bucket.key.as_slice()).collect();
    // Locked in the order in which they are counted.
    let sql = "with mine as (
             select t.key, t.failures = 1 or coalesce(t.key = $2, false) as is_over
             from saas_rbac.throttles t where t.key = any($1) order by t.key for update
         ), gone as (
             delete from saas_rbac.throttles t using mine where t.key = mine.key and mine.is_over
         )
         update saas_rbac.throttles t set failures = t.failures - 1
         from mine where t.key = mine.key and not mine.is_over";
    sqlx::query(sql).bind(&keys).bind(anew.map(|one| &one.key)).execute(tx).await?;
    Ok(())
}

async fn longest_wait(
    tx: &mut ControlTx,
    keys: &[Vec<u8>],
) -> Result<Option<DateTime<Utc>>, TenancyError> {
    let sql = "select max(t.blocked_until) from saas_rbac.throttles t where t.key = any($1)";
    Ok(sqlx::query_scalar(sql).bind(keys).fetch_one(tx).await?)
}

/// Removes rows that are over, a bounded number of them.
async fn sweep(tx: &mut ControlTx, now: DateTime<Utc>, limit: i64) -> Result<u64, TenancyError> {
    let sql = "delete from saas_rbac.throttles where key in (
             select t.key from saas_rbac.throttles t where t.forget_at <= $1
             order by t.forget_at limit $2 for update skip locked)";
    Ok(sqlx::query(sql).bind(now).bind(limit).execute(tx).await?.rows_affected())
}

/// Once in about sixty attempts.
fn is_time_to_sweep() -> bool {
    let mut dice = [0];
    rand::fill(&mut dice).is_ok() && dice[0] < 4
}

/// What a client is told: never nothing, because then it would come back at once.
fn whole_seconds(wait: TimeDelta) -> Duration {
    let seconds = wait.num_milliseconds().max(0).unsigned_abs().div_ceil(1000);
    Duration::from_secs(seconds.max(1))
}
