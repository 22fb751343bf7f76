use saas_core::SessionId;
use saas_tenancy::{TenancyError, db::ControlTx};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use super::{AccessToken, RefreshError, Refreshed, SignIn};
use crate::{
    mail::Locale,
    opaque::Opaque,
    session::{Session, read_session, revoke_in, session_columns},
    token::{Presented, Proven, Successor, TokenPair, succeed},
};

impl SignIn {
    /// Lets a session go on: takes a refresh token and gives out the next pair.
    ///
    /// The same token within ten seconds gives the same pair. Afterwards it ends the session, and
    /// its person gets a mail.
    ///
    /// # Errors
    /// [`RefreshError::InvalidGrant`], [`RefreshError::Reused`] when the session was ended because
    /// of it, and the ways in which it cannot be done.
    pub async fn refresh(&self, token: &SecretString) -> Result<Refreshed, RefreshError> {
        let presented = Opaque::parse(token.expose_secret()).ok_or(RefreshError::InvalidGrant)?;
        let (key, idle) = (&self.0.refresh_key, self.0.policy.idle);
        let mut tx = self.0.databases.identity().await?;
        match succeed(&mut tx, key, &presented, self.now(), idle).await? {
            Presented::Good(next) => {
                tx.commit().await?;
                self.pair(*next)
            }
            Presented::Reused(session) => Err(self.end_reused(tx, &session).await?),
            Presented::Refused => Err(RefreshError::InvalidGrant),
        }
    }

    /// An access token of a session that was made elsewhere, without a refresh token: for somebody
    /// who acts for another person.
    ///
    /// # Errors
    /// [`RefreshError::InvalidGrant`] when the session is over, and the ways in which it cannot be
    /// done.
    pub async fn access_token(&self, session: SessionId) -> Result<AccessToken, RefreshError> {
        let now = self.now();
        let sql = concat!(
            "select u.epoch, ",
            session_columns!(),
            " from saas_rbac.sessions s join saas_rbac.users u on u.id = s.user_id
             where s.id = $1 and s.revoked_at is null and s.expires_at > $2 and s.idle_until > $2
               and u.disabled_at is null",
        );
        let mut tx = self.0.databases.identity().await?;
        let query = sqlx::query(sql).bind(session.as_uuid()).bind(now);
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let row = row.ok_or(RefreshError::InvalidGrant)?;
        let session = read_session(&row)?;
        let epoch = row.try_get("epoch").map_err(TenancyError::from)?;
        let token = self.mint(&session, Proven { epoch, at: now, id: self.0.clock.uuid() })?;
        let expires_in = session.remaining(now).min(self.0.issuer.life());
        Ok(AccessToken { token, expires_in })
    }

    fn pair(&self, next: Successor) -> Result<Refreshed, RefreshError> {
        let Successor { session, token, expires_at, at, access_id, epoch } = next;
        let access_token = self.mint(&session, Proven { epoch, at, id: access_id })?;
        let tokens = TokenPair {
            access_token,
            expires_in: self.0.issuer.life(),
            refresh_token: token.to_text(),
            refresh_expires_in: (expires_at - at).to_std().unwrap_or_default(),
        };
        Ok(Refreshed { session, tokens })
    }

    /// Ends a session of which somebody has a copy, and tells its person.
    async fn end_reused(
        &self,
        mut tx: ControlTx,
        session: &Session,
    ) -> Result<RefreshError, RefreshError> {
        let (user, id) = (session.user, session.id);
        revoke_in(&mut tx, user, id, self.now(), "refresh_reuse").await?;
        let sql = "select u.email from saas_rbac.users u where u.id = $1";
        let query = sqlx::query_scalar(sql).bind(user.as_uuid());
        let email: String = query.fetch_one(&mut tx).await.map_err(TenancyError::from)?;
        tx.commit().await?;
        metrics::counter!("refresh_reuse_total").increment(1);
        tracing::warn!(user.id = %user, session.id = %id, "a refresh token was used twice; the session is ended");
        self.0.postbox.post(self.0.letters.sign_in_ended(&email, Locale::default()));
        Ok(RefreshError::Reused { user, session: id, tenant: session.tenant })
    }
}
