//! Requests that create something can be repeated safely: with the same `Idempotency-Key` they get
//! the same answer, and nothing is made twice.
//!
//! 1. The key is claimed, the thing made and the answer kept in one transaction. A request that
//!    fails leaves nothing behind, so it can be repeated with the same key.
//! 2. A second request with the key waits for the first, then gets its answer.
//! 3. The same key with another request (body, path or actor) is refused, not answered.
//! 4. Answers are kept for a day.

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{Actor, Problem};
use saas_tenancy::db::TenantTx;
use sqlx::Row as _;

use crate::{error::AppError, input::Invalid};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::days(1);

/// What a client calls its request: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`Invalid`] with the code `invalid_idempotency_key`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        match std::str::from_utf8(bytes) {
            Ok(key) if (1..=255).contains(&key.len()) && bytes.iter().all(u8::is_ascii_graphic) => {
                Ok(Self(key.to_owned()))
            }
            _ => Err(Invalid::new(
                "invalid_idempotency_key",
                "must have 1 to 255 visible ASCII characters",
            )),
        }
    }
}

/// What tells one request from another under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<u8>);

impl Fingerprint {
    /// The fingerprint of what `actor` asks of `operation` with `body`.
    #[must_use]
    pub fn of(actor: &Actor, operation: &str, body: &[u8]) -> Self {
        let actor = actor.to_string();
        let mut context = digest::Context::new(&digest::SHA256);
        // With its length in front no part can run into the next one.
        for part in [actor.as_bytes(), operation.as_bytes(), body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self(context.finish().as_ref().to_vec())
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where the thing that was made can be found.
    pub location: String,
    /// Its version, as an `ETag`.
    pub etag: String,
    /// The body, as JSON.
    pub body: String,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The request is new: do it, then [`keep`] the answer.
    New,
    /// It was done before, with this answer.
    Done(Answer),
}

/// Claims `key` for a request, after waiting for any other request that is using it.
///
/// # Errors
/// A problem with status 422 and code `idempotency_key_reused` if the key was used for another
/// request; with 500 if a statement fails.
pub async fn claim(
    tx: &mut TenantTx<'_>,
    key: &IdempotencyKey,
    request: &Fingerprint,
    now: DateTime<Utc>,
) -> Result<Claim, AppError> {
    let claimed = sqlx::query(CLAIM)
        .bind(&key.0)
        .bind(&request.0)
        .bind(now)
        .bind(now - KEPT)
        .execute(&mut *tx)
        .await?;
    if claimed.rows_affected() > 0 {
        // Behind the claim, and skipping what others hold: so nobody waits while holding rows.
        sqlx::query(SWEEP).bind(now - KEPT).execute(&mut *tx).await?;
        return Ok(Claim::New);
    }
    let row = sqlx::query(FIND).bind(&key.0).fetch_one(&mut *tx).await?;
    if row.try_get::<&[u8], _>(0)? != request.0 {
        return Err(reused().into());
    }
    let answer = Answer { location: row.try_get(1)?, etag: row.try_get(2)?, body: row.try_get(3)? };
    Ok(Claim::Done(answer))
}

/// Removes a few answers that are out of date, so that the table does not grow for ever. Rows that
/// somebody else is at are left to them.
const SWEEP: &str = "
    delete from idempotency_keys where key in (
        select key from idempotency_keys where created_at < $1
        order by created_at limit 10 for update skip locked
    )";

/// An answer that is out of date makes room for a new one.
const CLAIM: &str = "
    insert into idempotency_keys (key, request_hash, created_at) values ($1, $2, $3)
    on conflict on constraint idempotency_keys_pkey
    do update set request_hash = excluded.request_hash, created_at = excluded.created_at
    where idempotency_keys.created_at < $4";

const FIND: &str = "select request_hash, location, etag, body from idempotency_keys where key = $1";

/// Keeps the answer to the request that claimed `key`.
///
/// # Errors
/// A problem with status 500 if the statement fails.
pub async fn keep(
    tx: &mut TenantTx<'_>,
    key: &IdempotencyKey,
    answer: &Answer,
) -> Result<(), AppError> {
    sqlx::query(KEEP)
        .bind(&key.0)
        .bind(&answer.location)
        .bind(&answer.etag)
        .bind(&answer.body)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

const KEEP: &str = "update idempotency_keys set location = $2, etag = $3, body = $4 where key = $1";

fn reused() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused").with_detail(
        "this `Idempotency-Key` was used for another request; use a new one for a new request",
    )
}

/// Every statement of this module, so that a test can have the database check them all.
#[must_use]
pub fn statements() -> Vec<String> {
    [SWEEP, CLAIM, FIND, KEEP].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_visible_ascii() {
        assert!(IdempotencyKey::parse(b"2f6b-1").is_ok());
        assert!(IdempotencyKey::parse(&[b'a'; 255]).is_ok());
        for key in [&b""[..], b"a b", b"a\0", "ä".as_bytes(), &[0xff], &[b'a'; 256]] {
            assert_eq!(IdempotencyKey::parse(key).unwrap_err().code, "invalid_idempotency_key");
        }
    }

    #[test]
    fn requests_differ_by_actor_operation_and_body() {
        let of =
            |operation, body: &str| Fingerprint::of(&Actor::Anonymous, operation, body.as_bytes());
        assert_eq!(of("members", "{}"), of("members", "{}"));
        assert_ne!(of("members", "{}"), of("members", "{ }"));
        assert_ne!(of("members", "x"), of("membersx", ""));
        let system = Fingerprint::of(&Actor::system("seed"), "members", b"{}");
        assert_ne!(of("members", "{}"), system);
    }
}
