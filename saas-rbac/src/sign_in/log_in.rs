use saas_core::{SessionId, TenantId};
use saas_tenancy::TenancyError;
use secrecy::SecretString;
use sqlx::Row;

use super::{
    LogIn, SignIn, SignInError, SignedIn, Wanted,
    open::{Because, Opening, Replaced, end_presented},
};
use crate::{
    password::{PasswordHash, Verdict},
    second_factor::{Proof, Shown},
    session::{Client, Session, read_session, revoke_in, session_columns},
    user::{User, read_user, user_columns},
};

/// Somebody with the address that was typed.
pub(super) struct Candidate {
    pub(super) user: User,
    pub(super) hash: Option<PasswordHash>,
    has_second_factor: bool,
}

/// Somebody who has shown the password, and the second factor if there is one.
pub(super) struct Admitted {
    pub(super) user: User,
    pub(super) second_factor: Option<Shown>,
}

impl SignIn {
    /// Signs somebody in with a password.
    ///
    /// # Errors
    /// [`SignInError::InvalidCredentials`] for whatever is wrong with address, password, second
    /// factor or account; [`SignInError::SecondFactorRequired`], [`SignInError::NotAMember`] after
    /// the password was right; [`SignInError::Throttled`], and the ways in which it cannot be done.
    pub async fn log_in(&self, request: LogIn) -> Result<SignedIn, SignInError> {
        let replaces = request.replaces.as_ref().map(Replaced::Of);
        self.authenticate(&request, replaces).await
    }

    /// Ends a session of a person.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`] when the database cannot be asked. A session that is over stays
    /// over.
    pub async fn log_out(
        &self,
        user: saas_core::UserId,
        session: SessionId,
    ) -> Result<(), SignInError> {
        let mut tx = self.0.databases.identity().await?;
        revoke_in(&mut tx, user, session, self.now(), "logged_out").await?;
        Ok(tx.commit().await?)
    }

    /// Ends the session of the cookie or the refresh token that a device has: for one whose access
    /// token has expired.
    ///
    /// # Errors
    /// As [`log_out`](Self::log_out).
    pub async fn log_out_with(&self, credential: &SecretString) -> Result<(), SignInError> {
        let mut tx = self.0.databases.identity().await?;
        end_presented(&mut tx, credential, self.now(), "logged_out").await?;
        Ok(tx.commit().await?)
    }

    /// Makes another session of the same device for another tenant of the person. It ends when the
    /// first one does, and is as fresh as that.
    ///
    /// # Errors
    /// [`SignInError::SessionOver`], also for a session in which somebody acts for the person;
    /// [`SignInError::NotAMember`], and the ways in which it cannot be done.
    pub async fn switch(
        &self,
        session: SessionId,
        tenant: TenantId,
        client: &Client,
    ) -> Result<SignedIn, SignInError> {
        let (session, user) = self.own(session).await?;
        self.open(Opening {
            user: &user,
            tenant: Some(tenant),
            wanted: session.kind.into(),
            client,
            because: Because::Session(&session),
            replaces: None,
        })
        .await
        .map_err(as_over)
    }

    /// Lets somebody who is signed in show again who they are. They get a new session, bound as the
    /// one before, which ends.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in), and [`SignInError::SessionOver`].
    pub async fn reauthenticate(
        &self,
        session: SessionId,
        password: &SecretString,
        second_factor: Option<Proof>,
        client: &Client,
    ) -> Result<SignedIn, SignInError> {
        let (session, user) = self.own(session).await?;
        let mut request = LogIn::new(user.email.as_str(), password.clone(), client.clone())
            .for_a(Wanted::from(session.kind));
        request.second_factor = second_factor;
        request.tenant = session.tenant;
        self.authenticate(&request, Some(Replaced::Session(session.id))).await
    }

    async fn authenticate(
        &self,
        request: &LogIn,
        replaces: Option<Replaced<'_>>,
    ) -> Result<SignedIn, SignInError> {
        let attempt = self.0.throttle.sign_in(&request.account(), &request.client).await??;
        let done = self.admit_and_open(request, replaces).await;
        // Neither a success nor a failure may turn into something else because it is not counted.
        let counted = match &done {
            Ok(_) => self.0.throttle.succeeded(attempt).await,
            Err(error) if error.is_a_failure() => Ok(()),
            Err(_) => self.0.throttle.undecided(attempt).await,
        };
        if let Err(error) = counted {
            tracing::warn!(error = %error, "an attempt to sign in stays counted");
        }
        metrics::counter!("sign_in_total", "outcome" => outcome(&done)).increment(1);
        done
    }

    async fn admit_and_open(
        &self,
        request: &LogIn,
        replaces: Option<Replaced<'_>>,
    ) -> Result<SignedIn, SignInError> {
        let Admitted { user, second_factor } =
            self.admit(&request.email, &request.password, request.second_factor.as_ref()).await?;
        let signed_in = self
            .open(Opening {
                user: &user,
                tenant: request.tenant,
                wanted: request.wanted,
                client: &request.client,
                because: Because::Authenticated { second_factor: second_factor.as_ref() },
                replaces,
            })
            .await?;
        if let Some(shown) = second_factor {
            self.0.second_factors.settle(shown).await;
        }
        Ok(signed_in)
    }

    /// Looks at a password, and at the second factor if there is one. Everybody costs one hash.
    pub(super) async fn admit(
        &self,
        email: &str,
        password: &SecretString,
        proof: Option<&Proof>,
    ) -> Result<Admitted, SignInError> {
        let candidate = self.candidate(email).await?;
        let hash = candidate.as_ref().and_then(|one| one.hash.as_ref());
        let verdict = self.0.passwords.verify(password, hash).await?;
        let candidate = candidate
            .filter(|one| verdict != Verdict::Mismatch && one.user.disabled_at.is_none())
            .ok_or(SignInError::InvalidCredentials)?;
        let second_factor = match (candidate.has_second_factor, proof) {
            (false, _) => None,
            (true, None) => return Err(SignInError::SecondFactorRequired),
            (true, Some(proof)) => {
                Some(self.0.second_factors.read(candidate.user.id, proof).await?)
            }
        };
        if verdict == Verdict::MatchOutdated {
            self.hash_anew(&candidate, password).await;
        }
        Ok(Admitted { user: candidate.user, second_factor })
    }

    async fn candidate(&self, email: &str) -> Result<Option<Candidate>, TenancyError> {
        let sql = concat!(
            "select ",
            user_columns!(),
            ", u.password_hash, f.user_id is not null as has_second_factor
             from saas_rbac.users u
             left join saas_rbac.second_factors f
                 on f.user_id = u.id and f.confirmed_at is not null
             where lower(u.email) = lower($1)",
        );
        let mut tx = self.0.databases.identity().await?;
        let row = sqlx::query(sql).bind(email).fetch_optional(&mut tx).await?;
        let read = row.map(|row| {
            let hash: Option<String> = row.try_get("password_hash")?;
            Ok(Candidate {
                user: read_user(&row)?,
                hash: hash.map(PasswordHash::from_stored),
                has_second_factor: row.try_get("has_second_factor")?,
            })
        });
        read.transpose()
    }

    /// A session that is not over, and its person.
    pub(super) async fn own(&self, id: SessionId) -> Result<(Session, User), SignInError> {
        let sql = concat!(
            "select ",
            user_columns!(),
            ", ",
            session_columns!(),
            " from saas_rbac.sessions s join saas_rbac.users u on u.id = s.user_id
             where s.id = $1 and s.revoked_at is null and s.expires_at > $2 and s.idle_until > $2
               and s.impersonator_id is null and u.disabled_at is null",
        );
        let mut tx = self.0.databases.identity().await?;
        let query = sqlx::query(sql).bind(id.as_uuid()).bind(self.now());
        let row = query.fetch_optional(&mut tx).await.map_err(TenancyError::from)?;
        let row = row.ok_or(SignInError::SessionOver)?;
        Ok((read_session(&row)?, read_user(&row)?))
    }

    /// Stores a password that was right under the costs of today. If that fails, the old hash is as
    /// good as it was.
    async fn hash_anew(&self, of: &Candidate, password: &SecretString) {
        let anew = async {
            let hash = self.0.passwords.hash(password).await?;
            let mut tx = self.0.databases.identity().await?;
            let sql = "update saas_rbac.users set password_hash = $3
                 where id = $1 and password_hash = $2";
            let query = sqlx::query(sql)
                .bind(of.user.id.as_uuid())
                .bind(of.hash.as_ref().map(PasswordHash::as_str))
                .bind(hash.as_str());
            query.execute(&mut tx).await.map_err(TenancyError::from)?;
            Ok::<_, SignInError>(tx.commit().await?)
        };
        if let Err(error) = anew.await {
            tracing::warn!(error = %error, "a password keeps a hash of outdated costs");
        }
    }
}

/// The person of a session that goes on is not asked for a credential.
fn as_over(error: SignInError) -> SignInError {
    match error {
        SignInError::InvalidCredentials => SignInError::SessionOver,
        other => other,
    }
}

fn outcome(done: &Result<SignedIn, SignInError>) -> &'static str {
    match done {
        Ok(_) => "success",
        Err(SignInError::InvalidCredentials) => "invalid",
        Err(SignInError::SecondFactorRequired) => "second_factor_required",
        Err(SignInError::Throttled { .. }) => "throttled",
        Err(SignInError::NotAMember) => "not_a_member",
        Err(_) => "unavailable",
    }
}
