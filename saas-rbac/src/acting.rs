//! Who changes access: what they may do bounds what they may give.
//!
//! 1. Every change of roles, teams, invitations and keys takes an [`Acting`] first. It names the
//!    tenant, the person and the request, and holds what that person may do at this moment.
//! 2. Nobody grants or takes what is not in that set. The database checks the same by itself, from
//!    the memberships it holds.
//! 3. For an API key or somebody who acts for another the set is smaller than that of the person.
//!
//! ```
//! use saas_core::permission::PermissionSet;
//! use saas_core::{Actor, Clock, RequestId, Scope, TenantId, UserId};
//! use saas_rbac::Acting;
//!
//! let clock = Clock::system();
//! let actor = Actor::User { id: UserId::generate(&clock) };
//! let scope = Scope::new(TenantId::generate(&clock), actor, RequestId::generate(&clock));
//! let acting = Acting::new(scope, PermissionSet::of(3));
//! assert!(acting.may().contains(3));
//! ```

use saas_core::{Actor, Scope, TenantId, UserId, auth::Principal, permission::PermissionSet};

use crate::{error::AccessError, model::AccessModel};

/// Who changes access, where, and what they may do. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Acting {
    scope: Scope,
    may: PermissionSet,
}

impl Acting {
    /// Somebody in `scope` who may do what is in `may`.
    #[must_use]
    pub const fn new(scope: Scope, may: PermissionSet) -> Self {
        Self { scope, may }
    }

    /// The one who asks, in the tenant of the request.
    ///
    /// # Errors
    /// [`AccessError::OtherTenant`] when `principal` has signed in to another tenant, or to none.
    pub fn of(scope: &Scope, principal: &Principal) -> Result<Self, AccessError> {
        if principal.tenant() != Some(scope.tenant()) {
            return Err(AccessError::OtherTenant);
        }
        let scope = scope.clone().acting_as(principal.actor());
        Ok(Self { scope, may: principal.grants().effective() })
    }

    /// The tenant, the actor and the request.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What the actor may do, and so may give.
    #[must_use]
    pub const fn may(&self) -> PermissionSet {
        self.may
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.scope.tenant()
    }

    /// The person who acts.
    ///
    /// # Errors
    /// [`AccessError::NotTheOwner`] when nobody in particular does.
    pub(crate) fn person(&self) -> Result<UserId, AccessError> {
        self.scope.actor().user().ok_or(AccessError::NotTheOwner)
    }

    /// Refuses a key or somebody who acts for another to use what they are limited from. A person who
    /// has lost a permission may still handle what names it: it gives nothing.
    pub(crate) fn require_scopes(
        &self,
        touched: PermissionSet,
        model: &AccessModel,
    ) -> Result<(), AccessError> {
        match self.scope.actor() {
            Actor::User { .. } => Ok(()),
            _ => self.require(touched, model),
        }
    }

    /// Refuses to give or take what the actor may not do.
    pub(crate) fn require(
        &self,
        touched: PermissionSet,
        model: &AccessModel,
    ) -> Result<(), AccessError> {
        let missing = touched.difference(self.may);
        if missing.is_empty() {
            return Ok(());
        }
        Err(AccessError::NotGrantable { missing: model.names(missing) })
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for Acting {
    type Rejection = axum_core::response::Response;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        use axum_core::response::IntoResponse;
        let principal = Principal::from_request_parts(parts, state).await;
        let principal = principal.map_err(IntoResponse::into_response)?;
        let scope = Scope::from_request_parts(parts, state).await;
        let scope = scope.map_err(IntoResponse::into_response)?;
        Self::of(&scope, &principal).map_err(IntoResponse::into_response)
    }
}
