//! Opens sessions: what every way to sign in ends with.

use chrono::{DateTime, Utc};
use saas_core::{SessionId, TenantId};
use saas_tenancy::{TenancyError, db::ControlTx};
use secrecy::{ExposeSecret, SecretString};

use super::{Credential, SignIn, SignInError, SignedIn, Wanted};
use crate::{
    opaque::Opaque,
    second_factor::{Shown, take},
    session::{Client, NewSession, Session, insert, is_member, revoke_in},
    token::{Proven, TokenError, TokenPair, first, mint},
    user::User,
};

/// A session that is due.
pub(super) struct Opening<'a> {
    pub(super) user: &'a User,
    pub(super) tenant: Option<TenantId>,
    pub(super) wanted: Wanted,
    pub(super) client: &'a Client,
    pub(super) because: Because<'a>,
    /// What the device had until now.
    pub(super) replaces: Option<Replaced<'a>>,
}

/// What a session rests on.
pub(super) enum Because<'a> {
    /// The person has just shown who they are.
    Authenticated {
        /// With this, too.
        second_factor: Option<&'a Shown>,
    },
    /// They have done so for this session, which ends when that one does.
    Session(&'a Session),
}

/// A session that ends with the new one.
pub(super) enum Replaced<'a> {
    /// The one of this secret or refresh token.
    Of(&'a SecretString),
    /// This one.
    Session(SessionId),
}

impl SignIn {
    /// Makes a session in a transaction of its own.
    pub(super) async fn open(&self, opening: Opening<'_>) -> Result<SignedIn, SignInError> {
        let mut tx = self.0.databases.identity().await?;
        let (session, secret) = self.open_in(&mut tx, &opening).await?;
        tx.commit().await?;
        let credential = self.credential(&session, opening.user.epoch, &secret)?;
        Ok(SignedIn { user: opening.user.clone(), session, credential })
    }

    /// Makes a session in the transaction that has changed its person, for `self.credential`.
    pub(super) async fn open_in(
        &self,
        tx: &mut ControlTx,
        opening: &Opening<'_>,
    ) -> Result<(Session, Opaque), SignInError> {
        let now = self.now();
        if !hold(tx, opening.user).await? {
            return Err(SignInError::InvalidCredentials);
        }
        if let Some(tenant) = opening.tenant
            && !is_member(tx, opening.user.id, tenant).await?
        {
            return Err(SignInError::NotAMember);
        }
        if let Because::Authenticated { second_factor: Some(shown) } = &opening.because {
            take(tx, opening.user.id, shown, now).await?;
        }
        self.end_replaced(tx, opening, now).await?;
        self.insert(tx, opening, now).await
    }

    async fn insert(
        &self,
        tx: &mut ControlTx,
        opening: &Opening<'_>,
        now: DateTime<Utc>,
    ) -> Result<(Session, Opaque), SignInError> {
        let secret = Opaque::random().map_err(|error| TokenError::Random(error.into()))?;
        let policy = &self.0.policy;
        let (authenticated_at, second_factor_at, expires_at) = match &opening.because {
            Because::Authenticated { second_factor } => {
                (now, second_factor.map(|_| now), now + policy.absolute)
            }
            Because::Session(session) => {
                (session.authenticated_at, session.second_factor_at, session.expires_at)
            }
        };
        let new = NewSession {
            user: opening.user.id,
            tenant: opening.tenant,
            kind: opening.wanted.kind(),
            authenticated_at,
            second_factor_at,
            expires_at,
            idle_until: policy.idle_until(now, expires_at),
            client: opening.client,
            secret: (opening.wanted == Wanted::Cookie).then_some(&secret),
        };
        let session = insert(tx, &new, &self.0.clock, now).await?;
        if opening.wanted == Wanted::Tokens {
            first(tx, &session, &secret, now).await?;
        }
        Ok((session, secret))
    }

    /// What the device shows for a session that was just made.
    pub(super) fn credential(
        &self,
        session: &Session,
        epoch: i64,
        secret: &Opaque,
    ) -> Result<Credential, TokenError> {
        if Wanted::from(session.kind) == Wanted::Cookie {
            return Ok(Credential::Cookie(secret.to_text()));
        }
        let at = session.created_at;
        let proven = Proven { epoch, at, id: self.0.clock.uuid() };
        Ok(Credential::Tokens(TokenPair {
            access_token: self.mint(session, proven)?,
            expires_in: self.0.issuer.life(),
            refresh_token: secret.to_text(),
            refresh_expires_in: (session.idle_until - at).to_std().unwrap_or_default(),
        }))
    }

    pub(super) fn mint(
        &self,
        session: &Session,
        proven: Proven,
    ) -> Result<SecretString, TokenError> {
        mint(&self.0.issuer, &self.0.keys.signer(), session, proven, &self.0.clock)
    }

    async fn end_replaced(
        &self,
        tx: &mut ControlTx,
        opening: &Opening<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), TenancyError> {
        match &opening.replaces {
            None => {}
            Some(Replaced::Session(id)) => {
                revoke_in(tx, opening.user.id, *id, now, "replaced").await?;
            }
            Some(Replaced::Of(credential)) => {
                end_presented(tx, credential, now, "replaced").await?;
            }
        }
        Ok(())
    }
}

/// Whether a person is still as they were when they were looked at. If so, nobody changes that until
/// the transaction ends.
async fn hold(tx: &mut ControlTx, user: &User) -> Result<bool, TenancyError> {
    let sql = "select 1 from saas_rbac.users u
         where u.id = $1 and u.epoch = $2 and u.disabled_at is null for share";
    let query = sqlx::query(sql).bind(user.id.as_uuid()).bind(user.epoch);
    Ok(query.fetch_optional(tx).await?.is_some())
}

/// Ends the session of a secret or a refresh token that a device presents.
pub(super) async fn end_presented(
    tx: &mut ControlTx,
    credential: &SecretString,
    now: DateTime<Utc>,
    because: &str,
) -> Result<bool, TenancyError> {
    let Some(presented) = Opaque::parse(credential.expose_secret()) else { return Ok(false) };
    let sql = "update saas_rbac.sessions s set revoked_at = $2, revoked_because = $3
         where s.revoked_at is null and (s.secret_hash = $1 or s.id in (
             select t.session_id from saas_rbac.refresh_tokens t where t.hash = $1))";
    let query = sqlx::query(sql).bind(presented.digest()).bind(now).bind(because);
    Ok(query.execute(tx).await?.rows_affected() > 0)
}
