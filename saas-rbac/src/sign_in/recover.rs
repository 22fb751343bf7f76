use saas_core::UserId;
use saas_tenancy::TenancyError;
use secrecy::{ExposeSecret, SecretString};

use super::{RecoverError, SignIn, password::set_password};
use crate::{
    mail::Locale,
    one_time::{Purpose, TokenRefused, issue, look_at, presented, redeem},
    opaque::Opaque,
    password::check,
    session::Client,
    user::Email,
};

impl SignIn {
    /// Sends a link to choose another password to `email`, if somebody has that address. Whether
    /// somebody has, cannot be told from outside.
    ///
    /// # Errors
    /// [`RecoverError::Throttled`], whoever has the address; [`RecoverError::Unavailable`] when the
    /// database cannot be asked.
    pub async fn ask_reset(
        &self,
        email: &Email,
        client: &Client,
        locale: Locale,
    ) -> Result<(), RecoverError> {
        self.0.throttle.mail(email, client).await??;
        let token = Opaque::random().map_err(TenancyError::store)?;
        let mut tx = self.0.databases.identity().await?;
        let owner = issue(&mut tx, Purpose::ResetPassword, email, &token, self.now()).await?;
        tx.commit().await?;
        if let Some(owner) = owner {
            let link = link(&self.0.links.reset_password, &token);
            self.0.postbox.post(self.0.letters.reset_password(&owner.email, &link, locale));
        }
        Ok(())
    }

    /// Gives the owner of a link another password. All their sessions end. The address is proven by
    /// that, and what others have piled up against the account is forgotten.
    ///
    /// # Errors
    /// [`RecoverError::Refused`] when the link is not taken, [`RecoverError::PasswordRefused`] when
    /// the password is not, which leaves the link good; and the ways in which it cannot be done.
    pub async fn reset_password(
        &self,
        token: &SecretString,
        password: &SecretString,
        client: &Client,
    ) -> Result<UserId, RecoverError> {
        let token = presented(token)?;
        // Looked at before the password is hashed: a link that is none must not cost a hash.
        let mut tx = self.0.databases.identity().await?;
        let owner = look_at(&mut tx, Purpose::ResetPassword, &token, self.now()).await??;
        drop(tx);
        check(password, &owner.email)?;
        let hash = self.0.passwords.hash(password).await?;

        let now = self.now();
        let mut tx = self.0.databases.identity().await?;
        let owner = redeem(&mut tx, Purpose::ResetPassword, &token, now).await??;
        let person = (owner.user, owner.email.as_str());
        set_password(&mut tx, person, &hash, now).await?.ok_or(TokenRefused::Unknown)?;
        let sql = "update saas_rbac.users
             set email_verified_at = coalesce(email_verified_at, $2) where id = $1";
        let query = sqlx::query(sql).bind(owner.user.as_uuid()).bind(now);
        query.execute(&mut tx).await.map_err(TenancyError::from)?;
        tx.commit().await?;
        let account = owner.email.to_lowercase();
        if let Err(error) = self.0.throttle.cleared(&account, client).await {
            tracing::warn!(error = %error, "attempts against an account stay counted");
        }
        Ok(owner.user)
    }
}

/// Where a link with `token` leads.
pub(super) fn link(prefix: &str, token: &Opaque) -> String {
    format!("{prefix}{}", token.to_text().expose_secret())
}
