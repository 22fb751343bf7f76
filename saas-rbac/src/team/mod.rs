//! The people of a tenant: who belongs to it, with which role.
//!
//! 1. A role is changed, and a person removed, only by somebody who may do all that the person may.
//!    Owners are a matter of owners: an admin cannot change, remove or appoint one.
//! 2. A tenant always has an owner. The database checks it at the end of the transaction, behind a
//!    lock: of two owners who leave at once one stays.
//! 3. Whoever is removed loses their sessions and keys of this tenant in the same transaction.
//! 4. Nobody is added here: people come by an invitation or by sign-up.
//!
//! ```no_run
//! use saas_core::UserId;
//! use saas_rbac::team::Team;
//! use saas_rbac::{AccessError, Acting};
//!
//! async fn promote(team: &Team, acting: &Acting, user: UserId) -> Result<(), AccessError> {
//!     team.change_role(acting, user, "admin").await?;
//!     let people = team.list(acting.scope()).await?;
//!     assert!(people.iter().any(|one| one.user == user && one.roles == ["admin"]));
//!     Ok(())
//! }
//! ```

mod rows;

use chrono::{DateTime, Utc};
use saas_core::{Clock, Scope, UserId, audit::Action};
use saas_tenancy::db::{ControlTx, TenantDatabases};
use serde::Serialize;
use serde_json::json;

use crate::{
    acting::Acting,
    audit::{entry, note},
    error::AccessError,
    model::{AccessModel, OWNER_BIT},
    role::Book,
    sql::not_committed,
};

/// Somebody who belongs to a tenant, as its team page shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamMember {
    /// Who it is.
    #[serde(rename = "user_id")]
    pub user: UserId,
    /// The name that the person goes by.
    pub name: String,
    /// The address of the person.
    pub email: String,
    /// The names of the roles, fixed ones first.
    pub roles: Vec<String>,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// Grows with each change of the membership.
    pub version: i64,
}

/// The teams of tenants. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Team {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
}

impl Team {
    /// Teams with the roles of `model` and those that tenants have made.
    #[must_use]
    pub const fn new(databases: TenantDatabases, model: AccessModel, clock: Clock) -> Self {
        Self { databases, model, clock }
    }

    /// Everybody who belongs to the scope's tenant, by name.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<TeamMember>, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        let book = Book::load(&mut tx, scope.tenant(), self.model).await?;
        rows::list(&mut tx, scope.tenant(), &book).await
    }

    /// Gives `user` this role in place of the ones they have.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when they do not belong to the tenant, [`AccessError::UnknownRole`],
    /// [`AccessError::NotGrantable`] when the actor lacks what they have or would have,
    /// [`AccessError::OwnersOnly`], [`AccessError::LastOwner`], and [`AccessError::Unavailable`]
    /// when the database cannot be asked.
    pub async fn change_role(
        &self,
        acting: &Acting,
        user: UserId,
        role: &str,
    ) -> Result<(), AccessError> {
        self.change_role_of(acting, user, role, None).await
    }

    /// The same, if the membership still has this `version`.
    ///
    /// # Errors
    /// As [`change_role`](Self::change_role), and [`AccessError::Stale`].
    pub async fn change_role_of(
        &self,
        acting: &Acting,
        user: UserId,
        role: &str,
        version: Option<i64>,
    ) -> Result<(), AccessError> {
        let (mut tx, book) = self.open(acting).await?;
        let mask = book.mask_named(role)?;
        let before = rows::lock(&mut tx, acting.tenant(), user).await?;
        if let Some(version) = version {
            rows::require_version(&mut tx, acting.tenant(), user, version).await?;
        }
        let is_own = acting.scope().actor().user() == Some(user);
        // Of one's own roles only what is new has to be held.
        let touched = if is_own { mask } else { before | mask };
        acting.require(book.permissions(touched), &self.model)?;
        rows::set_roles(&mut tx, acting.tenant(), user, mask).await?;
        let changes = json!({ "before": book.names(before), "after": book.names(mask) });
        self.note(&mut tx, acting, Action::literal("team.change_role"), user, changes).await?;
        tx.commit().await.map_err(not_committed)
    }

    /// Takes `user` out of the tenant, with their sessions and keys of it.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when they do not belong to the tenant,
    /// [`AccessError::NotGrantable`] when the actor lacks what they have,
    /// [`AccessError::OwnersOnly`], [`AccessError::LastOwner`], and [`AccessError::Unavailable`]
    /// when the database cannot be asked.
    pub async fn remove(&self, acting: &Acting, user: UserId) -> Result<(), AccessError> {
        let (mut tx, book) = self.open(acting).await?;
        let before = rows::lock(&mut tx, acting.tenant(), user).await?;
        acting.require(book.permissions(before), &self.model)?;
        self.take_out(&mut tx, acting, user).await?;
        let changes = json!({ "before": book.names(before) });
        self.note(&mut tx, acting, Action::literal("team.remove"), user, changes).await?;
        tx.commit().await.map_err(not_committed)
    }

    /// The actor leaves the tenant.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when they do not belong to it, [`AccessError::LastOwner`], and
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn leave(&self, acting: &Acting) -> Result<(), AccessError> {
        let user = acting.person()?;
        let (mut tx, book) = self.open(acting).await?;
        let before = rows::lock(&mut tx, acting.tenant(), user).await?;
        self.take_out(&mut tx, acting, user).await?;
        let changes = json!({ "before": book.names(before) });
        self.note(&mut tx, acting, Action::literal("team.leave"), user, changes).await?;
        tx.commit().await.map_err(not_committed)
    }

    /// Makes `to` the owner in the actor's place, who keeps the role `then`. It is one transaction:
    /// there is no moment without an owner, and none with half of the change.
    ///
    /// # Errors
    /// [`AccessError::OwnersOnly`] when the actor is no owner, [`AccessError::NotFound`] when `to`
    /// does not belong to the tenant, [`AccessError::Invalid`] when `to` is the actor,
    /// [`AccessError::UnknownRole`], [`AccessError::NotGrantable`] when the actor is limited to less
    /// than the role, and [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn transfer_ownership(
        &self,
        acting: &Acting,
        to: UserId,
        then: &str,
    ) -> Result<(), AccessError> {
        let from = acting.person()?;
        if from == to {
            return Err(AccessError::invalid("to", "somebody else than the owner"));
        }
        let (mut tx, book) = self.open(acting).await?;
        let (owner, then) = (1 << OWNER_BIT, book.mask_named(then)?);
        let (own, other) = rows::lock_both(&mut tx, acting.tenant(), from, to).await?;
        if own & owner == 0 {
            return Err(AccessError::OwnersOnly);
        }
        acting.require(book.permissions(own | other | then), &self.model)?;
        rows::set_roles(&mut tx, acting.tenant(), to, owner).await?;
        rows::set_roles(&mut tx, acting.tenant(), from, then).await?;
        let changes = json!({ "from": from, "to": to, "from_keeps": book.names(then) });
        self.note(&mut tx, acting, Action::literal("team.transfer_ownership"), to, changes).await?;
        tx.commit().await.map_err(not_committed)
    }

    async fn open(&self, acting: &Acting) -> Result<(ControlTx, Book), AccessError> {
        let mut tx = self.databases.control(acting.scope()).await?;
        let book = Book::load(&mut tx, acting.tenant(), self.model).await?;
        Ok((tx, book))
    }

    async fn take_out(
        &self,
        tx: &mut ControlTx,
        acting: &Acting,
        user: UserId,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        rows::end_keys_and_sessions(tx, acting.tenant(), user, now).await?;
        rows::delete(tx, acting.tenant(), user).await
    }

    async fn note(
        &self,
        tx: &mut ControlTx,
        acting: &Acting,
        action: Action,
        user: UserId,
        changes: serde_json::Value,
    ) -> Result<(), AccessError> {
        note(tx, entry(acting.scope(), &self.clock, action, ("user", user), changes)).await
    }
}
