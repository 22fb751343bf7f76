//! What a person may do in a tenant, remembered in process.
//!
//! 1. [`Authorizer::member`] says which roles somebody has in a tenant and what they give together.
//!    [`Authorizer::person`] says what does not depend on a tenant. Somebody who is disabled is
//!    nobody.
//! 2. The answers are remembered, thousands of them. Every change in the database ends what it
//!    concerns, in every process: connect [`Authorizer::changes`] to a
//!    [`ChangeListener`](saas_tenancy::store::ChangeListener).
//! 3. While changes could be missed nothing is answered from memory. If the database cannot be asked
//!    either, the answer is [`AccessError::Unavailable`], which is 503, and never a guess.
//! 4. Roles never come from a token. A token that names an older [`epoch`](Member::epoch) is over.
//!
//! ```no_run
//! use saas_core::{Clock, TenantId, UserId, permission::Grants};
//! use saas_rbac::authorizer::Authorizer;
//! use saas_rbac::{AccessError, AccessModel};
//! use saas_tenancy::{db::TenantDatabases, store::ChangeListener};
//! use secrecy::SecretString;
//!
//! fn open(
//!     databases: TenantDatabases,
//!     model: AccessModel,
//!     clock: Clock,
//!     url: SecretString,
//! ) -> (Authorizer, ChangeListener) {
//!     let authorizer = Authorizer::new(databases, model, clock);
//!     let listener = ChangeListener::spawn(url, authorizer.changes());
//!     (authorizer, listener)
//! }
//!
//! async fn grants(
//!     authorizer: &Authorizer,
//!     tenant: TenantId,
//!     user: UserId,
//! ) -> Result<Grants, AccessError> {
//!     let member = authorizer.member(tenant, user).await?;
//!     Ok(member.map_or(Grants::NONE, |member| Grants::new(member.terms())))
//! }
//! ```

mod rows;

use std::sync::Arc;

use saas_core::{
    Clock, TenantId, UserId,
    permission::{PermissionSet, Terms},
};
use saas_tenancy::db::TenantDatabases;

use crate::{error::AccessError, memory::Memory, model::AccessModel};

pub use crate::{memory::AccessChanges, require::Person};

/// How many members are remembered, over all tenants.
const CAPACITY: u64 = 50_000;

/// What a membership gives. Cheap to clone through its `Arc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) role_mask: i64,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: PermissionSet,
    pub(crate) denied: PermissionSet,
    pub(crate) epoch: i64,
}

impl Member {
    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The person.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The bits of the roles, as the database holds them.
    #[must_use]
    pub const fn role_mask(&self) -> i64 {
        self.role_mask
    }

    /// The names of the roles, fixed ones first.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// What the roles give together.
    #[must_use]
    pub const fn permissions(&self) -> PermissionSet {
        self.permissions
    }

    /// What was taken from this member, whatever the roles say.
    #[must_use]
    pub const fn denied(&self) -> PermissionSet {
        self.denied
    }

    /// The epoch of the person. A token that names an older one is over.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// What decides for this member when nothing else limits it: no plan, no key, nobody acting for
    /// another. Replace those terms where they apply.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        let mut terms = Terms::of_roles(self.permissions);
        terms.denied = self.denied;
        terms
    }
}

/// Says what people may do. Cheap to clone. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Authorizer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    databases: TenantDatabases,
    model: AccessModel,
    clock: Clock,
    members: Arc<Memory<(TenantId, UserId), Member>>,
    people: Arc<Memory<UserId, Person>>,
}

impl Authorizer {
    /// Asks the control plane of `databases`. The fixed roles are those of `model`.
    #[must_use]
    pub fn new(databases: TenantDatabases, model: AccessModel, clock: Clock) -> Self {
        let members = Arc::new(Memory::new(CAPACITY, clock.clone()));
        let people = Arc::new(Memory::new(CAPACITY, clock.clone()));
        Self(Arc::new(Inner { databases, model, clock, members, people }))
    }

    /// What has to hear of changes before anything is answered from memory. Make it once.
    #[must_use]
    pub fn changes(&self) -> AccessChanges {
        AccessChanges::of(&self.0.members).and(&self.0.people)
    }

    /// The membership of `user` in `tenant`; `None` for strangers and for disabled people.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn member(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<Arc<Member>>, AccessError> {
        let Inner { databases, model, clock, members, .. } = &*self.0;
        let load = || rows::member(databases, model, clock, tenant, user);
        members.read((tenant, user), load).await
    }

    /// What is known of `user` whatever the tenant; `None` for unknown and for disabled people.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] when the database cannot be asked.
    pub async fn person(&self, user: UserId) -> Result<Option<Person>, AccessError> {
        let Inner { databases, people, .. } = &*self.0;
        let person = people.read(user, || rows::person(databases, user)).await?;
        Ok(person.map(|person| *person))
    }

    /// The same as [`member`](Self::member) if it is known without asking: for measurements.
    #[must_use]
    pub fn remembered(&self, tenant: TenantId, user: UserId) -> Option<Option<Arc<Member>>> {
        self.0.members.get(&(tenant, user))
    }
}
