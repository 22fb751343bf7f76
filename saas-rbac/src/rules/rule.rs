use std::{fmt, time::Duration};

use http::StatusCode;
use saas_core::permission::{Denied, Grants, Permission, PermissionInfo, PermissionSet};

/// What a route asks for. See the [module docs](super).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Rule {
    need: Need,
    step_up: Option<Duration>,
    feature: Option<&'static str>,
}

/// Who passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Everybody.
    Public,
    /// Whoever has signed in, in whatever tenant.
    SignedIn,
    /// Whoever has the permission in the request's tenant.
    Permission(PermissionInfo),
    /// Whoever has at least one of them in the request's tenant.
    AnyOf(Vec<PermissionInfo>),
    /// The application's own staff.
    SuperAdmin,
}

impl Rule {
    /// Everybody passes.
    pub const fn public() -> Self {
        Self::of(Need::Public)
    }

    /// Whoever has signed in passes.
    pub const fn signed_in() -> Self {
        Self::of(Need::SignedIn)
    }

    /// Whoever has `P` passes.
    pub const fn permission<P: Permission>() -> Self {
        Self::of(Need::Permission(PermissionInfo::of::<P>("")))
    }

    /// Whoever has one of these passes; nobody if there are none.
    pub fn any_of(permissions: impl IntoIterator<Item = PermissionInfo>) -> Self {
        Self::of(Need::AnyOf(permissions.into_iter().collect()))
    }

    /// The application's own staff passes.
    pub const fn super_admin() -> Self {
        Self::of(Need::SuperAdmin)
    }

    /// The proof of identity must be no older than `max_age`, and no key will do.
    pub const fn with_step_up(mut self, max_age: Duration) -> Self {
        self.step_up = Some(max_age);
        self
    }

    /// The plan of the tenant must include `feature`. Who knows plans enforces it; the table and
    /// the documents name it.
    pub const fn with_feature(mut self, feature: &'static str) -> Self {
        self.feature = Some(feature);
        self
    }

    const fn of(need: Need) -> Self {
        Self { need, step_up: None, feature: None }
    }

    /// Who passes.
    #[must_use]
    pub const fn need(&self) -> &Need {
        &self.need
    }

    /// How old the proof of identity may be.
    #[must_use]
    pub const fn step_up(&self) -> Option<Duration> {
        self.step_up
    }

    /// What the plan must include.
    #[must_use]
    pub const fn feature(&self) -> Option<&'static str> {
        self.feature
    }

    /// The permissions that it names.
    #[must_use]
    pub fn permissions(&self) -> &[PermissionInfo] {
        match &self.need {
            Need::Permission(permission) => std::slice::from_ref(permission),
            Need::AnyOf(permissions) => permissions,
            Need::Public | Need::SignedIn | Need::SuperAdmin => &[],
        }
    }

    /// Whether the permissions of somebody who has signed in suffice.
    ///
    /// # Errors
    /// [`Denied`] with the permission that is missing; the first one where one of several would do.
    pub fn allows(&self, grants: &Grants) -> Result<(), Denied> {
        match &self.need {
            Need::Public | Need::SignedIn => Ok(()),
            Need::Permission(permission) => grants.require_info(permission),
            Need::AnyOf(permissions) => {
                let mut checked = permissions.iter().map(|one| grants.require_info(one));
                let nothing = Denied::new("none", Grants::NONE.explain(0));
                let first = checked.next().unwrap_or(Err(nothing));
                if first.is_ok() || checked.any(|one| one.is_ok()) { Ok(()) } else { first }
            }
            // No permission makes staff.
            Need::SuperAdmin => Err(Denied::new("super_admin", Grants::NONE.explain(0))),
        }
    }

    /// Whether a role with these permissions passes.
    pub(super) fn lets_role_pass(&self, gives: PermissionSet) -> bool {
        match &self.need {
            Need::Public | Need::SignedIn => true,
            Need::Permission(_) | Need::AnyOf(_) => {
                self.permissions().iter().any(|one| gives.contains(one.bit))
            }
            Need::SuperAdmin => false,
        }
    }

    /// What the documents of an interface say of it.
    #[must_use]
    pub fn security(&self) -> Security {
        let statuses: &'static [StatusCode] = match self.need {
            Need::Public => &[],
            Need::SignedIn if self.step_up.is_none() => &[StatusCode::UNAUTHORIZED],
            _ => &[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN],
        };
        let permissions = self.permissions().iter().map(|one| one.name).collect();
        Security { note: self.to_string(), permissions, statuses }
    }
}

/// What the documents of an interface say of a route's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// The rule in words.
    pub note: String,
    /// The permissions that it names.
    pub permissions: Vec<&'static str>,
    /// How it refuses. A route without any needs no credential.
    pub statuses: &'static [StatusCode],
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.need {
            Need::Public => f.write_str("public")?,
            Need::SignedIn => f.write_str("signed in")?,
            Need::Permission(permission) => f.write_str(permission.name)?,
            Need::AnyOf(permissions) => {
                let names: Vec<_> = permissions.iter().map(|one| one.name).collect();
                f.write_str(&names.join(" | "))?;
            }
            Need::SuperAdmin => f.write_str("super-admin")?,
        }
        if let Some(feature) = self.feature {
            write!(f, " + plan {feature}")?;
        }
        if let Some(max_age) = self.step_up {
            write!(f, " + proof within {} s", max_age.as_secs())?;
        }
        Ok(())
    }
}
