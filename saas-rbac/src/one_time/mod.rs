//! Tokens that go out by mail and are good once.
//!
//! 1. A token is 256 random bits, of which the table keeps the digest. It is good for one purpose,
//!    for a while ([`Purpose`]), and for the address it was sent to: once the person has another
//!    one, it is good for nothing.
//! 2. It is used up by the one statement that asks for it, so of two who present it at once exactly
//!    one wins. The other is told that it is used ([`TokenRefused::Used`]).
//! 3. A new token of a purpose uses up those before it.
//!
//! The flows that hand them out and take them are in [`sign_in`](crate::sign_in).

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{Problem, UserId};
use saas_tenancy::{TenancyError, db::ControlTx};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use crate::{opaque::Opaque, user::Email};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To choose another password, within half an hour.
    ResetPassword,
    /// To prove that an address is one's own, within a day.
    VerifyEmail,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
        }
    }

    /// How long a token is good.
    #[must_use]
    pub const fn life(self) -> TimeDelta {
        match self {
            Self::ResetPassword => TimeDelta::minutes(30),
            Self::VerifyEmail => TimeDelta::hours(24),
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefused {
    /// It was used, or a newer one was sent.
    #[error("this link was used already, or a newer one was sent; ask for another one")]
    Used,
    /// Its time is over.
    #[error("this link has expired; ask for another one")]
    Expired,
    /// It is none of ours, or was sent to an address that the person has no more.
    #[error("this link is not valid; check that it is complete, or ask for another one")]
    Unknown,
}

impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        let (status, code) = match refused {
            TokenRefused::Used => (StatusCode::GONE, "token_used"),
            TokenRefused::Expired => (StatusCode::GONE, "token_expired"),
            TokenRefused::Unknown => (StatusCode::BAD_REQUEST, "token_invalid"),
        };
        Self::new(status, code).with_detail(refused.to_string())
    }
}

/// Whose token it was, and the address it was sent to.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) user: UserId,
    pub(crate) email: String,
}

/// Keeps a new token for whoever has `email`, and says who that is. For nobody it does the same
/// work: one statement, which finds nobody.
pub(crate) async fn issue(
    tx: &mut ControlTx,
    purpose: Purpose,
    email: &Email,
    token: &Opaque,
    now: DateTime<Utc>,
) -> Result<Option<Owner>, TenancyError> {
    let sql = "with person as (
             select u.id, u.email from saas_rbac.users u
             where lower(u.email) = lower($1) and u.disabled_at is null
         ), older as (
             update saas_rbac.one_time_tokens t set used_at = $4 from person
             where t.user_id = person.id and t.purpose = $2 and t.used_at is null
         )
         insert into saas_rbac.one_time_tokens (hash, user_id, purpose, email, issued_at, expires_at)
         select $3, person.id, $2, person.email, $4, $5 from person
         returning user_id, email";
    let query = sqlx::query(sql)
        .bind(email.as_str())
        .bind(purpose.as_str())
        .bind(token.digest())
        .bind(now)
        .bind(now + purpose.life());
    let row = query.fetch_optional(tx).await?;
    row.map(|row| owner(&row)).transpose()
}

/// Uses a token up. What is changed for it is changed by the same transaction, for a person who still
/// has the address that it was sent to: a change that finds nobody takes the use back.
pub(crate) async fn redeem(
    tx: &mut ControlTx,
    purpose: Purpose,
    token: &Opaque,
    now: DateTime<Utc>,
) -> Result<Result<Owner, TokenRefused>, TenancyError> {
    let sql = "update saas_rbac.one_time_tokens t set used_at = $3
         where t.hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
         returning t.user_id, t.email";
    let query = sqlx::query(sql).bind(token.digest()).bind(purpose.as_str()).bind(now);
    match query.fetch_optional(&mut *tx).await? {
        Some(row) => Ok(Ok(owner(&row)?)),
        None => Ok(Err(why_not(tx, purpose, token, now).await?)),
    }
}

/// Whose token it is, if it would be taken now. It stays good.
pub(crate) async fn look_at(
    tx: &mut ControlTx,
    purpose: Purpose,
    token: &Opaque,
    now: DateTime<Utc>,
) -> Result<Result<Owner, TokenRefused>, TenancyError> {
    let sql = "select t.user_id, t.email from saas_rbac.one_time_tokens t
         where t.hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3";
    let query = sqlx::query(sql).bind(token.digest()).bind(purpose.as_str()).bind(now);
    match query.fetch_optional(&mut *tx).await? {
        Some(row) => Ok(Ok(owner(&row)?)),
        None => Ok(Err(why_not(tx, purpose, token, now).await?)),
    }
}

/// The token that a person presents.
pub(crate) fn presented(token: &SecretString) -> Result<Opaque, TokenRefused> {
    Opaque::parse(token.expose_secret()).ok_or(TokenRefused::Unknown)
}

async fn why_not(
    tx: &mut ControlTx,
    purpose: Purpose,
    token: &Opaque,
    now: DateTime<Utc>,
) -> Result<TokenRefused, TenancyError> {
    let sql = "select t.used_at is not null as is_used, t.expires_at <= $3 as is_over
         from saas_rbac.one_time_tokens t where t.hash = $1 and t.purpose = $2";
    let query = sqlx::query(sql).bind(token.digest()).bind(purpose.as_str()).bind(now);
    let Some(row) = query.fetch_optional(tx).await? else { return Ok(TokenRefused::Unknown) };
    let (is_used, is_over): (bool, bool) = (row.try_get("is_used")?, row.try_get("is_over")?);
    Ok(match (is_used, is_over) {
        (true, _) => TokenRefused::Used,
        (false, true) => TokenRefused::Expired,
        (false, false) => TokenRefused::Unknown,
    })
}

fn owner(row: &sqlx::postgres::PgRow) -> Result<Owner, TenancyError> {
    Ok(Owner { user: UserId::from_uuid(row.try_get("user_id")?), email: row.try_get("email")? })
}
