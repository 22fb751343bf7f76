use std::fmt;

use aws_lc_rs::hmac;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use saas_core::SessionId;
use saas_tenancy::{TenancyError, db::ControlTx};
use secrecy::{ExposeSecret, SecretBox};
use sqlx::Row;
use uuid::{Builder, Uuid};

use crate::{
    opaque::Opaque,
    session::{Session, read_session, session_columns},
};

/// For how long a second use of a token is answered like the first.
pub(crate) const GRACE: TimeDelta = TimeDelta::seconds(10);

/// What refresh tokens are derived with. All processes have the same one; another one makes every
/// repeated use within the grace a theft.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

impl RefreshKey {
    /// Derives with `key`.
    #[must_use]
    pub fn new(key: &SecretBox<[u8; 32]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()))
    }

    /// The token that follows `presented`.
    fn successor(&self, presented: &Opaque) -> Opaque {
        Opaque::from_bytes(self.derive(b"refresh", presented))
    }

    /// The id of the access token beside it.
    fn token_id(&self, presented: &Opaque) -> Uuid {
        let bytes = self.derive(b"jti", presented);
        let (half, _) = bytes.split_at(16);
        let mut id = [0; 16];
        id.copy_from_slice(half);
        Builder::from_custom_bytes(id).into_uuid()
    }

    fn derive(&self, purpose: &[u8], presented: &Opaque) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[u8::try_from(purpose.len()).unwrap_or(u8::MAX)]);
        context.update(purpose);
        context.update(presented.bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        bytes
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(…)")
    }
}

/// What becomes of a refresh token that is presented.
#[derive(Debug)]
pub(crate) enum Presented {
    /// It is followed by another one.
    Good(Box<Successor>),
    /// It was used long ago: somebody has a copy. The session is to be ended.
    Reused(Box<Session>),
    /// It is none of ours, or its session is over.
    Refused,
}

/// The token that follows, and what the access token beside it says.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(crate) session: Session,
    pub(crate) token: Opaque,
    pub(crate) expires_at: DateTime<Utc>,
    /// When the one before was used first.
    pub(crate) at: DateTime<Utc>,
    pub(crate) access_id: Uuid,
    pub(crate) epoch: i64,
}

/// Makes the first token of a session.
pub(crate) async fn first(
    tx: &mut ControlTx,
    session: &Session,
    token: &Opaque,
    now: DateTime<Utc>,
) -> Result<(), TenancyError> {
    insert(tx, token, session.id, now, session.idle_until).await
}

/// Looks at a token, and makes the one that follows it if that is due.
///
/// Two who present the same token meet at its row: the second waits for the first to commit, and
/// finds the token used.
pub(crate) async fn succeed(
    tx: &mut ControlTx,
    key: &RefreshKey,
    presented: &Opaque,
    now: DateTime<Utc>,
    idle: TimeDelta,
) -> Result<Presented, TenancyError> {
    // As the table will give it back, so that the first answer and the second are one.
    let now = now.trunc_subsecs(6);
    let sql = concat!(
        "select ",
        session_columns!(),
        ", s.revoked_at, t.used_at, t.expires_at as token_expires_at, u.epoch,
             u.disabled_at is not null as is_disabled
         from saas_rbac.refresh_tokens t
         join saas_rbac.sessions s on s.id = t.session_id
         join saas_rbac.users u on u.id = s.user_id
         where t.hash = $1 for update of t, s",
    );
    let row = sqlx::query(sql).bind(presented.digest()).fetch_optional(&mut *tx).await?;
    let Some(row) = row else { return Ok(Presented::Refused) };
    let session = read_session(&row)?;
    let revoked_at: Option<DateTime<Utc>> = row.try_get("revoked_at")?;
    let is_over = revoked_at.is_some()
        || row.try_get::<bool, _>("is_disabled")?
        || session.expires_at <= now
        || session.idle_until <= now;
    if is_over {
        return Ok(Presented::Refused);
    }
    let used_at: Option<DateTime<Utc>> = row.try_get("used_at")?;
    if used_at.is_some_and(|used_at| now - used_at > GRACE) {
        return Ok(Presented::Reused(Box::new(session)));
    }
    let expires_at: DateTime<Utc> = row.try_get("token_expires_at")?;
    if used_at.is_none() && expires_at <= now {
        return Ok(Presented::Refused);
    }
    let at = used_at.unwrap_or(now);
    let successor = Successor {
        token: key.successor(presented),
        access_id: key.token_id(presented),
        expires_at: (at + idle).min(session.expires_at),
        at,
        epoch: row.try_get("epoch")?,
        session,
    };
    if used_at.is_none() {
        rotate(tx, presented, &successor).await?;
    }
    Ok(Presented::Good(Box::new(successor)))
}

async fn rotate(
    tx: &mut ControlTx,
    presented: &Opaque,
    next: &Successor,
) -> Result<(), TenancyError> {
    let sql = "update saas_rbac.refresh_tokens set used_at = $2 where hash = $1";
    sqlx::query(sql).bind(presented.digest()).bind(next.at).execute(&mut *tx).await?;
    insert(tx, &next.token, next.session.id, next.at, next.expires_at).await?;
    let sql = "update saas_rbac.sessions set last_seen_at = $2, idle_until = $3 where id = $1";
    let query = sqlx::query(sql).bind(next.session.id.as_uuid()).bind(next.at);
    query.bind(next.expires_at).execute(tx).await?;
    Ok(())
}

async fn insert(
    tx: &mut ControlTx,
    token: &Opaque,
    session: SessionId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), TenancyError> {
    let sql = "insert into saas_rbac.refresh_tokens (hash, session_id, issued_at, expires_at)
         values ($1, $2, $3, $4)";
    let query = sqlx::query(sql).bind(token.digest()).bind(session.as_uuid());
    query.bind(now).bind(expires_at).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_token_depends_on_it_and_on_the_key_alone() {
        let key = RefreshKey::new(&SecretBox::new(Box::new([1; 32])));
        let other_key = RefreshKey::new(&SecretBox::new(Box::new([2; 32])));
        let (one, other) = (Opaque::from_bytes([3; 32]), Opaque::from_bytes([4; 32]));
        assert_eq!(key.successor(&one), key.successor(&one));
        assert_ne!(key.successor(&one), key.successor(&other));
        assert_ne!(key.successor(&one), other_key.successor(&one));
        assert_ne!(key.successor(&one).bytes()[..16], key.token_id(&one).as_bytes()[..]);
        assert_eq!(key.token_id(&one).get_version_num(), 8);
    }
}
