use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    Actor, ApiKeyId, SessionId, TenantId, UserId,
    permission::{Denied, Grants, Permission},
};

/// Who asks, how they proved it, and what they may do. The layer that authenticates makes it.
///
/// A new principal may do nothing. [`in_tenant`](Self::in_tenant) says what it may do where.
///
/// ```
/// use saas_core::auth::{Credential, Principal};
/// use saas_core::permission::{Grants, PermissionSet, Terms};
/// use saas_core::{Actor, Clock, SessionId, TenantId, UserId};
///
/// let clock = Clock::system();
/// let user = UserId::generate(&clock);
/// let session = Credential::AccessToken(SessionId::generate(&clock));
/// let grants = Grants::new(Terms::of_roles(PermissionSet::of(0)));
/// let principal = Principal::new(user, session, clock.now())
///     .in_tenant(TenantId::generate(&clock), ["viewer"], grants);
/// assert!(principal.grants().allows_bit(0));
/// assert_eq!(principal.actor(), Actor::User { id: user });
/// ```
#[derive(Debug, Clone)]
pub struct Principal {
    user: UserId,
    tenant: Option<TenantId>,
    credential: Credential,
    impersonator: Option<UserId>,
    grants: Grants,
    roles: Arc<[String]>,
    authenticated_at: DateTime<Utc>,
    second_factor: SecondFactor,
}

/// With what somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The cookie of a session. A browser sends it by itself, so requests need CSRF protection.
    Session(SessionId),
    /// A bearer token that was made from a session.
    AccessToken(SessionId),
    /// An API key.
    ApiKey(ApiKeyId),
}

/// Whether somebody proved more than a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecondFactor {
    /// One proof only.
    Absent,
    /// A second one, such as a one-time code.
    Proven,
}

impl Principal {
    /// A person who proved who they are at `authenticated_at`, outside of any tenant.
    #[must_use]
    pub fn new(user: UserId, credential: Credential, authenticated_at: DateTime<Utc>) -> Self {
        Self {
            user,
            tenant: None,
            credential,
            impersonator: None,
            grants: Grants::NONE,
            roles: Arc::default(),
            authenticated_at,
            second_factor: SecondFactor::Absent,
        }
    }

    /// The same in `tenant`, with what its roles and the other terms leave.
    #[must_use]
    pub fn in_tenant<R: Into<String>>(
        self,
        tenant: TenantId,
        roles: impl IntoIterator<Item = R>,
        grants: Grants,
    ) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self { tenant: Some(tenant), roles, grants, ..self }
    }

    /// The same, while `impersonator` acts for the person.
    #[must_use]
    pub fn impersonated_by(self, impersonator: UserId) -> Self {
        Self { impersonator: Some(impersonator), ..self }
    }

    /// The same, with a second proof or without.
    #[must_use]
    pub fn with_second_factor(self, second_factor: SecondFactor) -> Self {
        Self { second_factor, ..self }
    }

    /// The person whose permissions count.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The tenant in which they act, if they act in one.
    #[must_use]
    pub const fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// With what they proved who they are.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.credential
    }

    /// Who really acts, when it is somebody else.
    #[must_use]
    pub const fn impersonator(&self) -> Option<UserId> {
        self.impersonator
    }

    /// What they may do.
    #[must_use]
    pub const fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The names of their roles in the tenant, to show. Checks ask [`grants`](Self::grants).
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// When they proved who they are.
    #[must_use]
    pub const fn authenticated_at(&self) -> DateTime<Utc> {
        self.authenticated_at
    }

    /// Whether they proved more than a password.
    #[must_use]
    pub const fn second_factor(&self) -> SecondFactor {
        self.second_factor
    }

    /// The session they are in; a key has none.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(id) | Credential::AccessToken(id) => Some(id),
            Credential::ApiKey(_) => None,
        }
    }

    /// Refuses unless they may do `P`.
    ///
    /// # Errors
    /// [`Denied`] with the terms that are in the way.
    pub const fn require<P: Permission>(&self) -> Result<(), Denied> {
        self.grants.require::<P>()
    }

    /// Who acts, for scopes and the audit log.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        match (self.impersonator, self.credential) {
            (Some(by), _) => Actor::Impersonated { id: self.user, by },
            (None, Credential::ApiKey(id)) => Actor::ApiKey { id, owner: self.user },
            (None, _) => Actor::User { id: self.user },
        }
    }
}
