use std::sync::Arc;

use chrono::{DateTime, Utc};
use saas_core::{BoxError, Clock, UserId};
use saas_tenancy::{
    TenancyError,
    db::{ControlTx, TenantDatabases},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Enrolment, Proof, SecondFactorError, codes};
use crate::{
    seal::Seal,
    throttle::{Attempt, Throttle},
    user::User,
};

/// The second factors of all people. Cheap to clone. See the [module](super) for the rules.
#[derive(Debug, Clone)]
pub struct SecondFactors {
    databases: TenantDatabases,
    seal: Arc<dyn Seal>,
    throttle: Throttle,
    clock: Clock,
    /// The application's name, as authenticator apps show it.
    issuer: Arc<str>,
}

impl SecondFactors {
    /// The second factors in the control plane of `databases`, of an application of this name.
    #[must_use]
    pub fn new(
        databases: TenantDatabases,
        seal: Arc<dyn Seal>,
        throttle: Throttle,
        clock: Clock,
        issuer: &str,
    ) -> Self {
        Self { databases, seal, throttle, clock, issuer: issuer.into() }
    }

    /// Whether a person has a second factor that counts.
    ///
    /// # Errors
    /// [`SecondFactorError::Unavailable`] when the database cannot be asked.
    pub async fn is_set_up(&self, user: UserId) -> Result<bool, SecondFactorError> {
        Ok(self.sealed_secret(user, State::Confirmed).await?.is_some())
    }

    /// Makes a secret for a person. It counts once it is [confirmed](Self::confirm); one that never
    /// was is replaced.
    ///
    /// # Errors
    /// [`SecondFactorError::AlreadySetUp`], or that the database or the seal is not available.
    pub async fn enrol(&self, user: &User) -> Result<Enrolment, SecondFactorError> {
        let secret = codes::new_secret().map_err(TenancyError::store)?;
        let sealed = self.seal.seal(&context(user.id), secret.expose_secret()).await?;
        let mut tx = self.databases.identity().await?;
        let sql = "insert into saas_rbac.second_factors as f (user_id, sealed_secret, created_at)
             values ($1, $2, $3)
             on conflict (user_id) do update set
                 sealed_secret = excluded.sealed_secret, created_at = excluded.created_at
             where f.confirmed_at is null";
        let query = sqlx::query(sql).bind(user.id.as_uuid()).bind(sealed).bind(self.clock.now());
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        if done.rows_affected() == 0 {
            return Err(SecondFactorError::AlreadySetUp);
        }
        tx.commit().await?;
        let app = codes::app(&secret, &self.issuer, user.email.as_str()).map_err(failed)?;
        let url = app.to_url().map_err(failed)?;
        Ok(Enrolment { secret: app.secret().to_base32().into(), url: url.into() })
    }

    /// Makes the secret count, given the first code of the app, and gives out the recovery codes.
    ///
    /// # Errors
    /// [`SecondFactorError::NotSetUp`] when there is nothing to confirm,
    /// [`SecondFactorError::WrongCode`], [`SecondFactorError::Throttled`], or that the database or the
    /// seal is not available.
    pub async fn confirm(
        &self,
        user: UserId,
        code: &SecretString,
    ) -> Result<Vec<SecretString>, SecondFactorError> {
        let shown = self.read_code(user, code, State::Unconfirmed).await?;
        let mut tx = self.databases.identity().await?;
        // The secret is compared, too: somebody may have begun anew in the meantime.
        let sql = "update saas_rbac.second_factors set confirmed_at = $2, last_step = $3
             where user_id = $1 and confirmed_at is null and sealed_secret = $4";
        let query = sqlx::query(sql)
            .bind(user.as_uuid())
            .bind(self.clock.now())
            .bind(shown.step)
            .bind(&shown.sealed);
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        if done.rows_affected() == 0 {
            return Err(SecondFactorError::NotSetUp);
        }
        let codes = replace_recovery_codes(&mut tx, user).await?;
        tx.commit().await?;
        self.settle(Shown::Code(shown)).await;
        Ok(codes)
    }

    /// Replaces the recovery codes, given a proof.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub async fn renew_recovery_codes(
        &self,
        user: UserId,
        proof: &Proof,
    ) -> Result<Vec<SecretString>, SecondFactorError> {
        let shown = self.read(user, proof).await?;
        let mut tx = self.databases.identity().await?;
        take(&mut tx, user, &shown, self.clock.now()).await?;
        let codes = replace_recovery_codes(&mut tx, user).await?;
        tx.commit().await?;
        self.settle(shown).await;
        Ok(codes)
    }

    /// Ends the second factor of a person, given a proof. Whoever has lost app and codes shows the
    /// password instead: [`SignIn::remove_second_factor`](crate::sign_in::SignIn::remove_second_factor).
    ///
    /// # Errors
    /// [`SecondFactorError::NotSetUp`], [`SecondFactorError::WrongCode`],
    /// [`SecondFactorError::Throttled`], or that the database or the seal is not available.
    pub async fn remove(&self, user: UserId, proof: &Proof) -> Result<(), SecondFactorError> {
        let shown = self.read(user, proof).await?;
        let mut tx = self.databases.identity().await?;
        take(&mut tx, user, &shown, self.clock.now()).await?;
        remove_in(&mut tx, user).await?;
        tx.commit().await?;
        self.settle(shown).await;
        Ok(())
    }

    /// Looks at a proof without using it up, before the transaction that does what it is for.
    pub(crate) async fn read(
        &self,
        user: UserId,
        proof: &Proof,
    ) -> Result<Shown, SecondFactorError> {
        match proof {
            Proof::Code(code) => {
                self.read_code(user, code, State::Confirmed).await.map(Shown::Code)
            }
            // Nobody guesses 80 bits, and whoever is kept from using the app's codes by others needs
            // a way that they cannot block. So these are not counted.
            Proof::Recovery(code) => codes::digest_of(user, code)
                .map(Shown::Recovery)
                .ok_or(SecondFactorError::WrongCode),
        }
    }

    /// Takes the count of a proof back that was right, after that transaction. What is done is done,
    /// even if this fails.
    pub(crate) async fn settle(&self, shown: Shown) {
        let Shown::Code(code) = shown else { return };
        if let Err(error) = self.throttle.succeeded(code.attempt).await {
            tracing::warn!(error = %error, "a code that was right stays counted");
        }
    }

    async fn read_code(
        &self,
        user: UserId,
        code: &SecretString,
        state: State,
    ) -> Result<ShownCode, SecondFactorError> {
        let counted = self.throttle.second_factor(user).await?;
        let attempt = counted
            .map_err(|wait| SecondFactorError::Throttled { retry_after: wait.retry_after })?;
        let sealed = self.sealed_secret(user, state).await?.ok_or(SecondFactorError::NotSetUp)?;
        let secret = self.seal.open(&context(user), &sealed).await?;
        let step = codes::step_of(&secret, code, self.clock.now()).map_err(failed)?;
        Ok(ShownCode { step: step.ok_or(SecondFactorError::WrongCode)?, sealed, attempt })
    }

    async fn sealed_secret(
        &self,
        user: UserId,
        state: State,
    ) -> Result<Option<Vec<u8>>, TenancyError> {
        let mut tx = self.databases.identity().await?;
        let sql = "select f.sealed_secret from saas_rbac.second_factors f
             where f.user_id = $1 and (f.confirmed_at is not null) = $2";
        let query = sqlx::query_scalar(sql).bind(user.as_uuid()).bind(state == State::Confirmed);
        Ok(query.fetch_optional(&mut tx).await?)
    }
}

/// A proof that was looked at.
#[derive(Debug)]
pub(crate) enum Shown {
    Code(ShownCode),
    /// The digest of a recovery code.
    Recovery(Vec<u8>),
}

/// A code that is right, if it is not used up yet.
#[derive(Debug)]
pub(crate) struct ShownCode {
    step: i64,
    sealed: Vec<u8>,
    attempt: Attempt,
}

/// Uses a proof up: of two who show the same at once, one wins.
pub(crate) async fn take(
    tx: &mut ControlTx,
    user: UserId,
    shown: &Shown,
    now: DateTime<Utc>,
) -> Result<(), SecondFactorError> {
    let query = match shown {
        Shown::Code(code) => {
            let sql = "update saas_rbac.second_factors set last_step = $2
                 where user_id = $1 and confirmed_at is not null and last_step < $2
                   and sealed_secret = $3";
            sqlx::query(sql).bind(user.as_uuid()).bind(code.step).bind(&code.sealed)
        }
        Shown::Recovery(digest) => {
            let sql = "update saas_rbac.recovery_codes set used_at = $2
                 where user_id = $1 and code_hash = $3 and used_at is null";
            sqlx::query(sql).bind(user.as_uuid()).bind(now).bind(digest)
        }
    };
    let done = query.execute(tx).await.map_err(TenancyError::from)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(SecondFactorError::WrongCode) }
}

/// Ends the second factor of a person who has shown enough elsewhere.
pub(crate) async fn remove_in(tx: &mut ControlTx, user: UserId) -> Result<(), TenancyError> {
    for sql in [
        "delete from saas_rbac.recovery_codes where user_id = $1",
        "delete from saas_rbac.second_factors where user_id = $1",
    ] {
        sqlx::query(sql).bind(user.as_uuid()).execute(&mut *tx).await?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Confirmed,
    Unconfirmed,
}

async fn replace_recovery_codes(
    tx: &mut ControlTx,
    user: UserId,
) -> Result<Vec<SecretString>, TenancyError> {
    let codes = codes::new_recovery_codes().map_err(TenancyError::store)?;
    let digests: Vec<_> = codes.iter().filter_map(|code| codes::digest_of(user, code)).collect();
    let sql = "delete from saas_rbac.recovery_codes where user_id = $1";
    sqlx::query(sql).bind(user.as_uuid()).execute(&mut *tx).await?;
    let sql = "insert into saas_rbac.recovery_codes (user_id, code_hash)
         select $1, d.hash from unnest($2::bytea[]) d (hash)";
    sqlx::query(sql).bind(user.as_uuid()).bind(digests).execute(tx).await?;
    Ok(codes)
}

/// Where a secret is sealed to.
fn context(user: UserId) -> String {
    format!("saas_rbac.second_factors.sealed_secret/{user}")
}

fn failed(error: impl Into<BoxError>) -> SecondFactorError {
    SecondFactorError::Unavailable(TenancyError::store(error))
}
