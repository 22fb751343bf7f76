use saas_core::TenantId;
use saas_tenancy::db::ControlTx;
use secrecy::SecretString;

use super::{
    SignIn, SignInError, SignedIn, Wanted,
    open::{Because, Opening, Replaced},
};
use crate::{session::Client, user::User};

/// Somebody who has shown elsewhere who they are.
pub(crate) struct Elsewhere<'a> {
    pub(crate) user: &'a User,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) wanted: Wanted,
    pub(crate) client: &'a Client,
    /// The credential that the device had until now.
    pub(crate) replaces: Option<&'a SecretString>,
}

impl SignIn {
    /// Makes a session in the transaction that has found out, or made, who it is for; and ends it.
    pub(crate) async fn open_elsewhere(
        &self,
        mut tx: ControlTx,
        one: Elsewhere<'_>,
    ) -> Result<SignedIn, SignInError> {
        let opening = Opening {
            user: one.user,
            tenant: one.tenant,
            wanted: one.wanted,
            client: one.client,
            because: Because::Authenticated { second_factor: None },
            replaces: one.replaces.map(Replaced::Of),
        };
        let (session, secret) = self.open_in(&mut tx, &opening).await?;
        tx.commit().await?;
        let credential = self.credential(&session, one.user.epoch, &secret)?;
        Ok(SignedIn { user: one.user.clone(), session, credential })
    }
}
