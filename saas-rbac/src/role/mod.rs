//! The roles that a tenant makes for itself, beside the fixed ones that every tenant has.
//!
//! 1. A role has a name, permissions and other roles that it includes. Wildcards (`members:*`) are
//!    expanded when it is saved: a permission that is declared later does not join by itself.
//! 2. What a role gives is computed when it is saved, with all that it includes. When an included
//!    role changes, the others follow in the same transaction. Roles cannot include each other in a
//!    circle.
//! 3. Nobody changes a role by a permission that they do not hold. The database sees to it, too.
//! 4. A role that somebody has, that an open invitation promises or that another role includes
//!    cannot be deleted.
//! 5. A change names the version it was made from; of two at once one is [`AccessError::Stale`].
//! 6. [`Roles::preview`] says what a change would do before it is made.
//!
//! ```no_run
//! use saas_rbac::role::{NewRole, Roles};
//! use saas_rbac::{AccessError, Acting};
//!
//! async fn make_a_desk_role(roles: &Roles, acting: &Acting) -> Result<(), AccessError> {
//!     let desk = NewRole::new("Front desk").with_permissions(["members:*"]).with_includes(["viewer"]);
//!     let made = roles.create(acting, desk).await?;
//!     assert_eq!(made.name, "Front desk");
//!     Ok(())
//! }
//! ```

mod book;
mod preview;
mod rows;

use saas_core::{Clock, Scope, UserId, audit::Action, permission::PermissionSet};
use saas_tenancy::db::{ControlTx, TenantDatabases};
use serde::Serialize;
use serde_json::json;

pub(crate) use self::book::Book;
use self::book::Draft;
use crate::{
    acting::Acting,
    audit::{entry, note},
    error::AccessError,
    model::AccessModel,
    sql::not_committed,
};

saas_core::id! {
    /// A role that a tenant has made for itself.
    pub struct RoleId;
}

/// A role as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its id; a fixed role has none, because it cannot be changed.
    pub id: Option<RoleId>,
    /// What it is called, once in a tenant.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The permissions it was given, by name.
    pub permissions: Vec<String>,
    /// The roles whose permissions it has, too, by name.
    pub includes: Vec<String>,
    /// All that it gives.
    #[serde(skip)]
    pub gives: PermissionSet,
    /// Grows with each change; 0 for a fixed role.
    pub version: i64,
}

/// What a role shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRole {
    /// Its name: 1 to 100 characters, and none of another role.
    pub name: String,
    /// What it is for: at most 500 characters.
    pub description: String,
    /// Names of permissions, or wildcards: `members:read`, `members:*`, `*`.
    pub permissions: Vec<String>,
    /// Names of roles to include.
    pub includes: Vec<String>,
}

impl NewRole {
    /// A role that gives nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With these permissions or wildcards.
    #[must_use]
    pub fn with_permissions<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        Self { permissions: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// With all that these roles give.
    #[must_use]
    pub fn with_includes<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        Self { includes: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// With a description.
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }
}

/// What a change of a role would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Permissions that the role would gain.
    pub added: Vec<String>,
    /// Permissions that it would lose.
    pub removed: Vec<String>,
    /// Who could do something that they cannot do now, through this role or one that includes it.
    pub gaining: Vec<UserId>,
    /// Who could no longer do something.
    pub losing: Vec<UserId>,
}

/// The roles of tenants. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Roles {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
}

impl Roles {
    /// Roles beside the fixed ones of `model`.
    #[must_use]
    pub const fn new(databases: TenantDatabases, model: AccessModel, clock: Clock) -> Self {
        Self { databases, model, clock }
    }

    /// All roles of the scope's tenant: the fixed ones, then its own by name.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<Role>, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        Ok(Book::load(&mut tx, scope.tenant(), self.model).await?.roles())
    }

    /// One of the tenant's own roles.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] when the tenant has none with this id, [`AccessError::Unavailable`]
    /// when the database cannot be asked.
    pub async fn get(&self, scope: &Scope, id: RoleId) -> Result<Role, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        Book::load(&mut tx, scope.tenant(), self.model).await?.role(id)
    }

    /// Makes a role.
    ///
    /// # Errors
    /// [`AccessError::Invalid`], [`AccessError::UnknownPermission`] or [`AccessError::UnknownRole`]
    /// when the input is not valid; [`AccessError::NotGrantable`] when it would give what the actor
    /// lacks; [`AccessError::RoleNameTaken`]; [`AccessError::TooManyRoles`] when the tenant has 47;
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn create(&self, acting: &Acting, new: NewRole) -> Result<Role, AccessError> {
        let (mut tx, book) = self.open(acting).await?;
        let draft = book.draft(&new, book.free_bit()?)?;
        let gives = book.with(&draft)?.gives(draft.bit);
        acting.require(gives, &self.model)?;
        let id = RoleId::generate(&self.clock);
        rows::insert(&mut tx, acting.tenant(), id, &draft, self.clock.now()).await?;
        let made = Book::load(&mut tx, acting.tenant(), self.model).await?.role(id)?;
        self.note(&mut tx, acting, Action::literal("role.create"), id, json!({ "after": &made }))
            .await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(made)
    }

    /// Makes a role what `new` says, if it still has this `version`.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`AccessError::NotFound`], [`AccessError::Stale`],
    /// [`AccessError::RoleCycle`] with the names of the circle.
    pub async fn update(
        &self,
        acting: &Acting,
        id: RoleId,
        new: NewRole,
        version: i64,
    ) -> Result<Role, AccessError> {
        let (mut tx, book) = self.open(acting).await?;
        let before = book.role(id)?;
        if before.version != version {
            return Err(AccessError::Stale);
        }
        let draft = book.draft(&new, book.bit_of(id)?)?;
        let gives = book.with(&draft)?.gives(draft.bit);
        acting.require(symmetric_difference(before.gives, gives), &self.model)?;
        rows::update(&mut tx, acting.tenant(), id, &draft, version).await?;
        let after = Book::load(&mut tx, acting.tenant(), self.model).await?.role(id)?;
        let changes = json!({ "before": &before, "after": &after });
        self.note(&mut tx, acting, Action::literal("role.update"), id, changes).await?;
        tx.commit().await.map_err(not_committed)?;
        Ok(after)
    }

    /// Deletes a role that nobody needs any more, if it still has this `version`.
    ///
    /// # Errors
    /// [`AccessError::NotFound`], [`AccessError::Stale`], [`AccessError::RoleInUse`],
    /// [`AccessError::NotGrantable`] when it gives what the actor lacks, and
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn delete(
        &self,
        acting: &Acting,
        id: RoleId,
        version: i64,
    ) -> Result<(), AccessError> {
        let (mut tx, book) = self.open(acting).await?;
        let before = book.role(id)?;
        if before.version != version {
            return Err(AccessError::Stale);
        }
        acting.require(before.gives, &self.model)?;
        let now = self.clock.now();
        rows::end_expired_invitations(&mut tx, acting.tenant(), book.bit_of(id)?, now).await?;
        rows::delete(&mut tx, acting.tenant(), id).await?;
        self.note(
            &mut tx,
            acting,
            Action::literal("role.delete"),
            id,
            json!({ "before": &before }),
        )
        .await?;
        tx.commit().await.map_err(not_committed)
    }

    /// What [`update`](Self::update) would do, without doing it.
    ///
    /// # Errors
    /// As [`create`](Self::create), but for what the actor may give, and [`AccessError::NotFound`].
    pub async fn preview(
        &self,
        scope: &Scope,
        id: RoleId,
        new: &NewRole,
    ) -> Result<Diff, AccessError> {
        let mut tx = self.databases.control(scope).await?;
        let before = Book::load(&mut tx, scope.tenant(), self.model).await?;
        let draft: Draft = before.draft(new, before.bit_of(id)?)?;
        let after = before.with(&draft)?;
        let members = rows::members(&mut tx, scope.tenant()).await?;
        Ok(preview::diff(&before, &after, draft.bit, &members))
    }

    /// Begins a change of a tenant's roles; others wait until it is over.
    async fn open(&self, acting: &Acting) -> Result<(ControlTx, Book), AccessError> {
        let mut tx = self.databases.control(acting.scope()).await?;
        rows::take_turn(&mut tx, acting.tenant()).await?;
        let book = Book::load(&mut tx, acting.tenant(), self.model).await?;
        Ok((tx, book))
    }

    async fn note(
        &self,
        tx: &mut ControlTx,
        acting: &Acting,
        action: Action,
        id: RoleId,
        changes: serde_json::Value,
    ) -> Result<(), AccessError> {
        note(tx, entry(acting.scope(), &self.clock, action, ("role", id), changes)).await
    }
}

const fn symmetric_difference(one: PermissionSet, other: PermissionSet) -> PermissionSet {
    one.difference(other).union(other.difference(one))
}
