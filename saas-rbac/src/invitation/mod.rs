//! Invitations: how people come into a tenant.
//!
//! 1. An invitation is a token of 256 random bits, sent to one address. The database holds its hash,
//!    the caller gets the token once and mails it. It is good for a week and for one use.
//! 2. Nobody promises a role that they do not hold. Whoever invited must still be able to give the
//!    role when the invitation is taken; the database checks it in their name.
//! 3. The address must be that of the person who takes it, and be verified. A person who is new is
//!    made by it, and the token has proven the address.
//! 4. One invitation of an address is open at a time. Sending it again makes another token, and the
//!    one before is void.
//! 5. Members and open invitations take seats. They are counted behind a lock.
//! 6. A token that is unknown, used, revoked or expired is answered the same: 410.
//!
//! ```no_run
//! use saas_core::UserId;
//! use saas_rbac::invitation::{Acceptance, Invitations};
//! use saas_rbac::{AccessError, Acting};
//! use secrecy::ExposeSecret;
//!
//! async fn invite(all: &Invitations, acting: &Acting, user: UserId) -> Result<(), AccessError> {
//!     let sent = all.create(acting, "ada@example.com", "member").await?;
//!     // … the token goes out by mail, and comes back …
//!     let token = sent.token.expose_secret();
//!     let joined = all.accept(token, Acceptance::Existing(user), acting.scope().request()).await?;
//!     assert_eq!(joined.user, user);
//!     Ok(())
//! }
//! ```

mod accept;
mod address;
mod rows;
mod seats;
mod token;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Clock, Scope, TenantId, UserId, audit::Action};
use saas_tenancy::db::{ControlTx, TenantDatabases};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;

#[cfg(feature = "oidc")]
pub(crate) use self::seats::{lock as lock_seats, require_free as require_free_seat};
pub use self::{
    accept::{Acceptance, Joined},
    seats::{Seats, Unlimited},
};
use crate::{
    acting::Acting,
    audit::{entry, note},
    error::AccessError,
    model::AccessModel,
    role::Book,
    sql::not_committed,
};

saas_core::id! {
    /// An invitation.
    pub struct InvitationId;
}

/// How long an invitation is good.
const LIFE: TimeDelta = TimeDelta::days(7);

/// An invitation, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invitation {
    /// Its id; it opens nothing.
    pub id: InvitationId,
    /// The address it was sent to.
    pub email: String,
    /// The role that it promises.
    pub role: String,
    /// Where it stands.
    pub status: Status,
    /// Who invited.
    pub invited_by: UserId,
    /// Until when it can be taken.
    pub expires_at: DateTime<Utc>,
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It can be taken.
    Open,
    /// Nobody took it in time.
    Expired,
    /// Somebody took it.
    Accepted,
    /// It was called back.
    Revoked,
}

/// An invitation with the token that goes into the mail. It is shown once.
#[derive(Debug)]
pub struct Sent {
    /// The invitation.
    pub invitation: Invitation,
    /// What goes into the mail: 43 characters that need no escaping in a link.
    pub token: SecretString,
}

/// The invitations of tenants. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Invitations {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
    seats: Arc<dyn Seats>,
}

impl Invitations {
    /// Invitations with the roles of `model`, as many as `seats` allows.
    #[must_use]
    pub fn new(
        databases: TenantDatabases,
        model: AccessModel,
        clock: Clock,
        seats: Arc<dyn Seats>,
    ) -> Self {
        Self { databases, model, clock, seats }
    }

    /// The tenant's invitations, newest first: the open ones, and at most 200 of the others.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<Invitation>, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        let book = Book::load(&mut tx, scope.tenant(), self.model).await?;
        let rows = rows::list(&mut tx, scope.tenant()).await?;
        Ok(rows.into_iter().map(|row| row.shown(&book, self.clock.now())).collect())
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when the address is none, [`AccessError::UnknownRole`],
    /// [`AccessError::NotGrantable`], [`AccessError::OwnersOnly`], [`AccessError::AlreadyMember`],
    /// [`AccessError::AlreadyInvited`], [`AccessError::SeatLimit`], and
    /// [`AccessError::Unavailable`] when the database or the limit of seats cannot be asked.
    pub async fn create(
        &self,
        acting: &Acting,
        email: &str,
        role: &str,
    ) -> Result<Sent, AccessError> {
        let email = address::normal(email)?;
        let invited_by = acting.person()?;
        let limit = self.limit(acting.tenant()).await?;
        let mut tx = self.databases.control(acting.scope()).await?;
        let book = Book::load(&mut tx, acting.tenant(), self.model).await?;
        let role_mask = book.mask_named(role)?;
        acting.require(book.permissions(role_mask), &self.model)?;
        let now = self.clock.now();
        seats::lock(&mut tx, acting.tenant()).await?;
        if rows::is_member(&mut tx, acting.tenant(), &email).await? {
            return Err(AccessError::AlreadyMember);
        }
        rows::end_expired(&mut tx, acting.tenant(), &email, now).await?;
        seats::require_free(&mut tx, acting.tenant(), limit, now).await?;
        let (id, expires_at) = (InvitationId::generate(&self.clock), now + LIFE);
        let row = rows::Invited::new(id, email, role_mask, invited_by, expires_at);
        let (token, token_hash) = token::generate();
        rows::insert(&mut tx, acting.tenant(), &row, &token_hash, now).await?;
        let invitation = row.shown(&book, now);
        self.note(&mut tx, acting, Action::literal("invitation.create"), &invitation).await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(Sent { invitation, token })
    }

    /// Makes another token for an invitation that nobody took. The one before is void, and the week
    /// begins anew.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has no such invitation, [`AccessError::TokenUsed`]
    /// when it was taken or called back, [`AccessError::NotGrantable`], [`AccessError::OwnersOnly`],
    /// [`AccessError::SeatLimit`] when it had expired and its seat is taken, and
    /// [`AccessError::Unavailable`] when the database or the limit of seats cannot be asked.
    pub async fn resend(&self, acting: &Acting, id: InvitationId) -> Result<Sent, AccessError> {
        let limit = self.limit(acting.tenant()).await?;
        let (mut tx, book, mut row) = self.open(acting, id).await?;
        let now = self.clock.now();
        if row.expires_at <= now {
            // It had given its seat back.
            seats::require_free(&mut tx, acting.tenant(), limit, now).await?;
        }
        let (token, token_hash) = token::generate();
        row.expires_at = now + LIFE;
        rows::renew(&mut tx, acting.tenant(), &row, &token_hash).await?;
        let invitation = row.shown(&book, now);
        self.note(&mut tx, acting, Action::literal("invitation.resend"), &invitation).await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(Sent { invitation, token })
    }

    /// Calls an invitation back. Its token is void at once.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has no such invitation, [`AccessError::TokenUsed`]
    /// when it was taken or called back, [`AccessError::NotGrantable`] when it promises what the
    /// actor lacks, [`AccessError::OwnersOnly`], and [`AccessError::Unavailable`] when the database
    /// cannot be asked.
    pub async fn revoke(&self, acting: &Acting, id: InvitationId) -> Result<(), AccessError> {
        let (mut tx, book, mut row) = self.open(acting, id).await?;
        let now = self.clock.now();
        rows::revoke(&mut tx, acting.tenant(), id, now).await?;
        row.revoked_at = Some(now);
        self.note(&mut tx, acting, Action::literal("invitation.revoke"), &row.shown(&book, now))
            .await?;
        tx.commit().await.map_err(not_committed)
    }

    /// Begins a change of an invitation that nobody took yet. Seats first, as everywhere.
    async fn open(
        &self,
        acting: &Acting,
        id: InvitationId,
    ) -> Result<(ControlTx, Book, rows::Invited), AccessError> {
        let mut tx = self.databases.control(acting.scope()).await?;
        let book = Book::load(&mut tx, acting.tenant(), self.model).await?;
        seats::lock(&mut tx, acting.tenant()).await?;
        let row = rows::lock(&mut tx, acting.tenant(), id).await?;
        acting.require(book.permissions(row.role_mask), &self.model)?;
        if row.is_over() {
            return Err(AccessError::TokenUsed);
        }
        Ok((tx, book, row))
    }

    async fn limit(&self, tenant: TenantId) -> Result<Option<u32>, AccessError> {
        self.seats.limit(tenant).await.map_err(AccessError::Unavailable)
    }

    async fn note(
        &self,
        tx: &mut ControlTx,
        acting: &Acting,
        action: Action,
        invitation: &Invitation,
    ) -> Result<(), AccessError> {
        let (target, changes) = (("invitation", invitation.id), json!({ "after": invitation }));
        note(tx, entry(acting.scope(), &self.clock, action, target, changes)).await
    }
}
