use std::{fmt, marker::PhantomData};

use saas_core::{
    Problem, TenantId, UserId,
    auth::{Principal, Reject},
    permission::{Denied, Permission},
};

/// Why somebody has no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotGranted {
    /// They may not do it.
    #[error("the permission is missing")]
    Denied(#[source] Denied),
    /// They have signed in to no tenant, or to another one than the request is for.
    #[error("the credential is for another tenant")]
    OtherTenant,
}

impl From<Denied> for NotGranted {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<NotGranted> for Problem {
    fn from(error: NotGranted) -> Self {
        match error {
            NotGranted::Denied(denied) => denied.into(),
            NotGranted::OtherTenant => Reject::TenantMismatch.into(),
        }
    }
}

/// The proof that somebody may do `P` in a tenant. See the [module docs](super).
///
/// It holds for the request it was made in. Do not keep it for later.
pub struct Granted<P> {
    tenant: TenantId,
    user: UserId,
    permission: PhantomData<fn() -> P>,
}

impl<P> Granted<P> {
    /// The tenant in which it holds.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who may do it.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Only after a check.
    pub(super) const fn proven(tenant: TenantId, user: UserId) -> Self {
        Self { tenant, user, permission: PhantomData }
    }
}

impl<P: Permission> Granted<P> {
    /// Checks whether `principal` may do `P`.
    ///
    /// # Errors
    /// [`NotGranted::Denied`] when they may not, [`NotGranted::OtherTenant`] when they have signed
    /// in to no tenant.
    pub fn of(principal: &Principal) -> Result<Self, NotGranted> {
        principal.require::<P>()?;
        let tenant = principal.tenant().ok_or(NotGranted::OtherTenant)?;
        Ok(Self::proven(tenant, principal.user()))
    }
}

impl<P: Permission> fmt::Debug for Granted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("permission", &P::NAME)
            .field("tenant", &self.tenant)
            .field("user", &self.user)
            .finish()
    }
}
