use saas_core::{UserId, auth::Principal};

use crate::error::AccessError;

/// What is known of a person in all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    pub(crate) epoch: i64,
    pub(crate) is_super_admin: bool,
}

impl Person {
    /// The epoch. A token that names an older one is over.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Whether the person belongs to the application's own staff.
    #[must_use]
    pub const fn is_super_admin(&self) -> bool {
        self.is_super_admin
    }
}

/// The proof that somebody belongs to the application's own staff.
///
/// The layer that authenticates makes it from what the database says and puts it into the request's
/// extensions, where [`RequireLayer`](super::RequireLayer) looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuperAdmin(UserId);

impl SuperAdmin {
    /// Checks what is known of the principal's `person`. Nobody is staff while acting for another,
    /// and no key is.
    ///
    /// # Errors
    /// [`AccessError::SuperAdminsOnly`] when they are not.
    pub fn of(principal: &Principal, person: Option<Person>) -> Result<Self, AccessError> {
        let is_staff = person.is_some_and(|person| person.is_super_admin());
        if is_staff && principal.impersonator().is_none() && principal.session().is_some() {
            return Ok(Self(principal.user()));
        }
        Err(AccessError::SuperAdminsOnly)
    }

    /// Who it is.
    #[must_use]
    pub const fn user(self) -> UserId {
        self.0
    }
}
