//! How an invitation is taken.

use saas_core::{Actor, RequestId, Scope, TenantId, UserId, audit::Action};
use saas_tenancy::db::ControlTx;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{InvitationId, Invitations, token};
use crate::{
    audit::{entry, note},
    error::AccessError,
    sql::{not_committed, refused},
};

/// Who takes an invitation.
#[derive(Debug)]
pub enum Acceptance {
    /// Somebody who has signed in, and whose verified address is the invited one.
    Existing(UserId),
    /// Somebody new, who gets an account with the invited address.
    New {
        /// The name they go by: 1 to 200 characters.
        name: String,
        /// The hash of their password, as a PHC string.
        password_hash: SecretString,
    },
}

/// Somebody came into a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The tenant.
    pub tenant: TenantId,
    /// Who it is.
    pub user: UserId,
    /// The invitation that was taken.
    pub invitation: InvitationId,
}

/// An invitation that was marked as taken.
struct Taken {
    id: InvitationId,
    email: String,
    role_mask: i64,
}

impl Invitations {
    /// Takes an invitation. Of two who do so at once one succeeds.
    ///
    /// # Errors
    /// [`AccessError::TokenUsed`] when the token is unknown, used, revoked or expired;
    /// [`AccessError::EmailMismatch`] or [`AccessError::EmailNotVerified`] when the invitation is not
    /// for this person; [`AccessError::EmailTaken`] when a new person's address has an account;
    /// [`AccessError::AlreadyMember`]; [`AccessError::InviterLostRight`];
    /// [`AccessError::Invalid`] when the name is not valid; and [`AccessError::Unavailable`] when
    /// the database cannot be asked. The invitation stays open then.
    pub async fn accept(
        &self,
        token: &str,
        acceptance: Acceptance,
        request: RequestId,
    ) -> Result<Joined, AccessError> {
        let hash = token::hash(token).ok_or(AccessError::TokenUsed)?;
        let (tenant, inviter) = self.find(&hash).await?;
        let in_the_name_of = Scope::new(tenant, Actor::User { id: inviter }, request);
        let mut tx = self.databases.identity_in(&in_the_name_of).await?;
        let user = match acceptance {
            Acceptance::Existing(user) => user,
            Acceptance::New { .. } => UserId::generate(&self.clock),
        };
        let taken = self.take(&mut tx, tenant, user, &hash).await?;
        match &acceptance {
            Acceptance::Existing(user) => check_person(&mut tx, *user, &taken.email).await?,
            Acceptance::New { name, password_hash } => {
                self.make_person(&mut tx, (user, &taken.email), name, password_hash).await?;
            }
        }
        self.join(&mut tx, tenant, user, &taken).await?;
        let scope = in_the_name_of.acting_as(Actor::User { id: user });
        let is_new = matches!(acceptance, Acceptance::New { .. });
        let changes = json!({ "user": user, "invited_by": inviter, "is_new": is_new });
        let target = ("invitation", taken.id);
        note(
            &mut tx,
            entry(&scope, &self.clock, Action::literal("invitation.accept"), target, changes),
        )
        .await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(Joined { tenant, user, invitation: taken.id })
    }

    /// The address that a token was sent to, if it can be taken now. It is asked before a password is
    /// hashed: whoever guesses tokens shall not make the program work.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn invited(&self, token: &str) -> Result<Option<String>, AccessError> {
        let Some(hash) = token::hash(token) else { return Ok(None) };
        let mut tx = self.databases.identity().await?;
        sqlx::query_scalar(
            "select email from saas_rbac.invitations
             where token_hash = $1 and accepted_at is null and revoked_at is null
               and expires_at > $2",
        )
        .bind(hash.as_slice())
        .bind(self.clock.now())
        .fetch_optional(&mut tx)
        .await
        .map_err(refused)
    }

    /// Whose invitation it is: the transaction that takes it needs to know before it begins.
    async fn find(&self, hash: &[u8; 32]) -> Result<(TenantId, UserId), AccessError> {
        let mut tx = self.databases.identity().await?;
        let found: Option<(Uuid, Uuid)> = sqlx::query_as(
            "select tenant_id, invited_by from saas_rbac.invitations where token_hash = $1",
        )
        .bind(hash.as_slice())
        .fetch_optional(&mut tx)
        .await
        .map_err(refused)?;
        let (tenant, inviter) = found.ok_or(AccessError::TokenUsed)?;
        Ok((TenantId::from_uuid(tenant), UserId::from_uuid(inviter)))
    }

    /// One statement: whoever comes second waits for its end, and finds nothing.
    async fn take(
        &self,
        tx: &mut ControlTx,
        tenant: TenantId,
        user: UserId,
        hash: &[u8; 32],
    ) -> Result<Taken, AccessError> {
        let taken: Option<(Uuid, String, i64)> = sqlx::query_as(
            "update saas_rbac.invitations
             set accepted_at = $4, accepted_by = $3, version = version + 1
             where tenant_id = $1 and token_hash = $2
               and accepted_at is null and revoked_at is null and expires_at > $4
             returning id, email, role_mask",
        )
        .bind(tenant.as_uuid())
        .bind(hash.as_slice())
        .bind(user.as_uuid())
        .bind(self.clock.now())
        .fetch_optional(tx)
        .await
        .map_err(inviter_refused)?;
        let (id, email, role_mask) = taken.ok_or(AccessError::TokenUsed)?;
        Ok(Taken { id: InvitationId::from_uuid(id), email, role_mask })
    }

    async fn make_person(
        &self,
        tx: &mut ControlTx,
        (user, email): (UserId, &str),
        name: &str,
        password_hash: &SecretString,
    ) -> Result<(), AccessError> {
        let name = name.trim();
        let fits = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !fits {
            return Err(AccessError::invalid(
                "name",
                "1 to 200 characters, none of them a control",
            ));
        }
        // The token came by mail, so the address is proven.
        sqlx::query(
            "insert into saas_rbac.users
                 (id, email, name, password_hash, password_changed_at, email_verified_at, created_at)
             values ($1, $2, $3, $4, $5, $5, $5)",
        )
        .bind(user.as_uuid())
        .bind(email)
        .bind(name)
        .bind(password_hash.expose_secret())
        .bind(self.clock.now())
        .execute(tx)
        .await
        .map_err(refused)?;
        Ok(())
    }

    /// Adds the membership, in the name of whoever invited: the database asks for their right.
    async fn join(
        &self,
        tx: &mut ControlTx,
        tenant: TenantId,
        user: UserId,
        taken: &Taken,
    ) -> Result<(), AccessError> {
        sqlx::query(
            "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             values ($1, $2, $3, $4)",
        )
        .bind(tenant.as_uuid())
        .bind(user.as_uuid())
        .bind(taken.role_mask)
        .bind(self.clock.now())
        .execute(tx)
        .await
        .map_err(inviter_refused)?;
        Ok(())
    }
}

/// Refuses somebody for whom the invitation is not.
async fn check_person(tx: &mut ControlTx, user: UserId, email: &str) -> Result<(), AccessError> {
    let found: Option<(bool, bool)> = sqlx::query_as(
        "select lower(email) = lower($2), email_verified_at is not null
         from saas_rbac.users where id = $1 and disabled_at is null",
    )
    .bind(user.as_uuid())
    .bind(email)
    .fetch_optional(tx)
    .await
    .map_err(refused)?;
    match found {
        Some((true, true)) => Ok(()),
        Some((true, false)) => Err(AccessError::EmailNotVerified),
        Some((false, _)) | None => Err(AccessError::EmailMismatch),
    }
}

/// What the database refuses here, it refuses to the one who invited.
fn inviter_refused(error: sqlx::Error) -> AccessError {
    match refused(error) {
        AccessError::NotGrantable { .. } | AccessError::OwnersOnly => AccessError::InviterLostRight,
        other => other,
    }
}
