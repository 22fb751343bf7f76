use saas_core::UserId;
use saas_tenancy::TenancyError;
use secrecy::SecretString;

use super::{RecoverError, SignIn, recover::link};
use crate::{
    mail::Locale,
    one_time::{Purpose, TokenRefused, issue, presented, redeem},
    opaque::Opaque,
    session::Client,
    user::Email,
};

impl SignIn {
    /// Sends a link that proves an address to whoever has it.
    ///
    /// # Errors
    /// [`RecoverError::Throttled`], or [`RecoverError::Unavailable`] when the database cannot be
    /// asked.
    pub async fn ask_verification(
        &self,
        email: &Email,
        client: &Client,
        locale: Locale,
    ) -> Result<(), RecoverError> {
        self.0.throttle.mail(email, client).await??;
        let token = Opaque::random().map_err(TenancyError::store)?;
        let mut tx = self.0.databases.identity().await?;
        let owner = issue(&mut tx, Purpose::VerifyEmail, email, &token, self.now()).await?;
        tx.commit().await?;
        if let Some(owner) = owner {
            let link = link(&self.0.links.verify_email, &token);
            self.0.postbox.post(self.0.letters.verify_email(&owner.email, &link, locale));
        }
        Ok(())
    }

    /// Notes that the owner of a link has shown that the address it was sent to is theirs.
    ///
    /// # Errors
    /// [`RecoverError::Refused`] when the link is not taken, [`RecoverError::Unavailable`] when the
    /// database cannot be asked.
    pub async fn verify_email(&self, token: &SecretString) -> Result<UserId, RecoverError> {
        let token = presented(token)?;
        let now = self.now();
        let mut tx = self.0.databases.identity().await?;
        let owner = redeem(&mut tx, Purpose::VerifyEmail, &token, now).await??;
        let sql = "update saas_rbac.users
             set email_verified_at = coalesce(email_verified_at, $3), version = version + 1
             where id = $1 and lower(email) = lower($2) and disabled_at is null";
        let query = sqlx::query(sql).bind(owner.user.as_uuid()).bind(&owner.email).bind(now);
        let done = query.execute(&mut tx).await.map_err(TenancyError::from)?;
        if done.rows_affected() == 0 {
            return Err(TokenRefused::Unknown.into());
        }
        tx.commit().await?;
        Ok(owner.user)
    }
}
