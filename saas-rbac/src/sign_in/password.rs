use chrono::{DateTime, Utc};
use saas_core::{SessionId, UserId};
use saas_tenancy::{TenancyError, db::ControlTx};
use secrecy::SecretString;

use super::{
    SignIn, SignInError, SignedIn,
    log_in::Admitted,
    open::{Because, Opening},
};
use crate::{
    password::{PasswordHash, check},
    second_factor::{Proof, remove_in},
    session::Client,
    user::{User, end_all_sessions, read_user, user_columns},
};

impl SignIn {
    /// Changes the password of somebody who is signed in and knows the current one. All their
    /// sessions end; this device gets a new one.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in), and [`SignInError::SessionOver`],
    /// [`SignInError::PasswordRefused`].
    pub async fn change_password(
        &self,
        session: SessionId,
        current: (&SecretString, Option<Proof>),
        new: &SecretString,
        client: &Client,
    ) -> Result<SignedIn, SignInError> {
        let (session, user) = self.own(session).await?;
        check(new, user.email.as_str()).map_err(SignInError::PasswordRefused)?;
        let shown = self
            .counted(&user, client, self.admit(user.email.as_str(), current.0, current.1.as_ref()))
            .await?;
        let hash = self.0.passwords.hash(new).await?;
        let mut tx = self.0.databases.identity().await?;
        let (id, email) = (shown.user.id, shown.user.email.as_str());
        let changed = set_password(&mut tx, (id, email), &hash, self.now()).await?;
        let user = changed.ok_or(SignInError::SessionOver)?;
        let opening = Opening {
            user: &user,
            tenant: session.tenant,
            wanted: session.kind.into(),
            client,
            because: Because::Authenticated { second_factor: shown.second_factor.as_ref() },
            replaces: None,
        };
        let (session, secret) = self.open_in(&mut tx, &opening).await?;
        tx.commit().await?;
        if let Some(shown) = shown.second_factor {
            self.0.second_factors.settle(shown).await;
        }
        let credential = self.credential(&session, user.epoch, &secret)?;
        Ok(SignedIn { user, session, credential })
    }

    /// Ends the second factor of somebody who shows the password instead of a code, having lost both
    /// the app and the recovery codes while still being signed in.
    ///
    /// # Errors
    /// [`SignInError::SessionOver`], [`SignInError::InvalidCredentials`],
    /// [`SignInError::Throttled`], and the ways in which it cannot be done.
    pub async fn remove_second_factor(
        &self,
        session: SessionId,
        password: &SecretString,
        client: &Client,
    ) -> Result<(), SignInError> {
        let (_, user) = self.own(session).await?;
        self.counted(&user, client, self.is_password_of(&user, password)).await?;
        let mut tx = self.0.databases.identity().await?;
        remove_in(&mut tx, user.id).await?;
        Ok(tx.commit().await?)
    }

    /// Counts an attempt of somebody who is signed in like a log-in.
    async fn counted<T>(
        &self,
        user: &User,
        client: &Client,
        attempt: impl Future<Output = Result<T, SignInError>>,
    ) -> Result<T, SignInError> {
        let counted = self.0.throttle.sign_in(&user.email.key(), client).await??;
        let done = attempt.await;
        match &done {
            Ok(_) => self.0.throttle.succeeded(counted).await?,
            Err(error) if error.is_a_failure() => {}
            Err(_) => self.0.throttle.undecided(counted).await?,
        }
        done
    }

    async fn is_password_of(
        &self,
        user: &User,
        password: &SecretString,
    ) -> Result<(), SignInError> {
        match self.admit(user.email.as_str(), password, None).await {
            Ok(Admitted { .. }) | Err(SignInError::SecondFactorRequired) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Gives a person who has this address another password, and ends all that rested on the one before.
pub(super) async fn set_password(
    tx: &mut ControlTx,
    (user, email): (UserId, &str),
    hash: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<Option<User>, TenancyError> {
    let sql = concat!(
        "update saas_rbac.users u set password_hash = $2, password_changed_at = $3,
             epoch = u.epoch + 1, version = u.version + 1
         where u.id = $1 and lower(u.email) = lower($4) and u.disabled_at is null returning ",
        user_columns!(),
    );
    let query = sqlx::query(sql).bind(user.as_uuid()).bind(hash.as_str()).bind(now).bind(email);
    let changed = query.fetch_optional(&mut *tx).await?.as_ref().map(read_user).transpose()?;
    end_all_sessions(tx, user, now, "password_changed").await?;
    Ok(changed)
}
