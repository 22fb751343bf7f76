use std::{fmt, marker::PhantomData};

use saas_core::{
    TenantId, UserId,
    auth::Principal,
    permission::{Permission, PermissionInfo},
};

use super::granted::{Granted, NotGranted};

/// A tuple of two to four permissions, for [`All`] and [`Any`].
pub trait Permissions: 'static {
    /// The permissions, without descriptions.
    const LIST: &'static [PermissionInfo];
}

macro_rules! tuples {
    ($(($($name:ident),+))+) => {$(
        impl<$($name: Permission),+> Permissions for ($($name,)+) {
            const LIST: &'static [PermissionInfo] = &[$(PermissionInfo::of::<$name>("")),+];
        }

        impl<$($name: Permission),+> From<All<($($name,)+)>> for ($(Granted<$name>,)+) {
            /// A proof for each.
            fn from(all: All<($($name,)+)>) -> Self {
                ($(Granted::<$name>::proven(all.tenant, all.user),)+)
            }
        }
    )+};
}

tuples! { (A, B) (A, B, C) (A, B, C, D) }

/// The proof that somebody may do all of a tuple of permissions: `All<(Read, Export)>`.
///
/// It turns into a tuple with a [`Granted`] for each.
pub struct All<T> {
    tenant: TenantId,
    user: UserId,
    permissions: PhantomData<fn() -> T>,
}

/// The proof that somebody may do at least one of a tuple of permissions.
///
/// [`holds`](Self::holds) says which.
pub struct Any<T> {
    tenant: TenantId,
    principal: Principal,
    permissions: PhantomData<fn() -> T>,
}

impl<T: Permissions> All<T> {
    /// Checks whether `principal` may do all of them.
    ///
    /// # Errors
    /// [`NotGranted::Denied`] for the first one that they may not do, [`NotGranted::OtherTenant`]
    /// when they have signed in to no tenant.
    pub fn of(principal: &Principal) -> Result<Self, NotGranted> {
        for permission in T::LIST {
            principal.grants().require_info(permission)?;
        }
        let tenant = principal.tenant().ok_or(NotGranted::OtherTenant)?;
        Ok(Self { tenant, user: principal.user(), permissions: PhantomData })
    }

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
}

impl<T: Permissions> Any<T> {
    /// Checks whether `principal` may do at least one of them.
    ///
    /// # Errors
    /// [`NotGranted::Denied`] for the last one when they may do none, [`NotGranted::OtherTenant`]
    /// when they have signed in to no tenant.
    pub fn of(principal: &Principal) -> Result<Self, NotGranted> {
        let mut checked = Ok(());
        for permission in T::LIST {
            checked = principal.grants().require_info(permission);
            if checked.is_ok() {
                break;
            }
        }
        checked?;
        let tenant = principal.tenant().ok_or(NotGranted::OtherTenant)?;
        Ok(Self { tenant, principal: principal.clone(), permissions: PhantomData })
    }

    /// The tenant in which it holds.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who may do it.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.principal.user()
    }

    /// The proof for `P`, if it is among what they may do.
    #[must_use]
    pub fn holds<P: Permission>(&self) -> Option<Granted<P>> {
        Granted::of(&self.principal).ok()
    }
}

impl<T: Permissions> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        proof(f, "All", T::LIST, self.user)
    }
}

impl<T: Permissions> fmt::Debug for Any<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        proof(f, "Any", T::LIST, self.user())
    }
}

fn proof(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    list: &[PermissionInfo],
    user: UserId,
) -> fmt::Result {
    let names: Vec<_> = list.iter().map(|one| one.name).collect();
    f.debug_struct(name).field("permissions", &names).field("user", &user).finish()
}
