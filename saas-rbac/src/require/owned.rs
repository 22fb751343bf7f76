use std::{fmt, marker::PhantomData};

use saas_core::{TenantId, UserId, auth::Principal, permission::Permission};
use uuid::Uuid;

use super::granted::{Granted, NotGranted};

/// A kind of thing that belongs to people: a document, a report.
///
/// ```
/// use saas_core::UserId;
/// use saas_core::permission::{Permission, Risk};
/// use saas_rbac::require::Owned;
///
/// struct Write;
/// # impl Permission for Write {
/// #     const BIT: u8 = 0;
/// #     const NAME: &'static str = "documents:write";
/// #     const RISK: Risk = Risk::Low;
/// # }
/// struct Document { author: Option<UserId> }
///
/// impl Owned for Document {
///     type Own = Write;
///     const COLUMN: &'static str = "author_id";
///     fn owner(&self) -> Option<UserId> { self.author }
/// }
/// ```
pub trait Owned {
    /// What somebody needs for things of their own. Without it not even those are in reach, so a
    /// key with few scopes stays within them.
    type Own: Permission;

    /// The column that holds the owner's id, as lists select it: `owner_id`, `d.owner_id`.
    const COLUMN: &'static str;

    /// Whose it is; nobody's is in reach only of those who reach everything.
    fn owner(&self) -> Option<UserId>;
}

/// How far somebody reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything of the tenant.
    Everything,
    /// What belongs to them.
    Own,
}

/// The proof that somebody may do `P` to things `R`: to all of the tenant's, or to their own.
///
/// One rule decides over an object that was loaded ([`check`](Self::check)) and over the rows of a
/// list ([`condition`](Self::condition)).
pub struct OwnedBy<P, R> {
    tenant: TenantId,
    user: UserId,
    reach: Reach,
    rule: PhantomData<fn() -> (P, R)>,
}

impl<P: Permission, R: Owned> OwnedBy<P, R> {
    /// Checks how far `principal` reaches.
    ///
    /// # Errors
    /// [`NotGranted::Denied`] when they have neither `P` nor what their own things need,
    /// [`NotGranted::OtherTenant`] when they have signed in to no tenant.
    pub fn of(principal: &Principal) -> Result<Self, NotGranted> {
        let tenant = principal.tenant().ok_or(NotGranted::OtherTenant)?;
        let reach = match principal.require::<P>() {
            Ok(()) => Reach::Everything,
            Err(denied) => {
                principal.require::<R::Own>().map_err(|_| denied)?;
                Reach::Own
            }
        };
        Ok(Self { tenant, user: principal.user(), reach, rule: PhantomData })
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

    /// How far they reach.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// The proof for one object; `None` if it is out of reach. Answer 404 then, as for one that is
    /// not there.
    #[must_use]
    pub fn check(&self, object: &R) -> Option<Granted<P>> {
        let is_own = || object.owner() == Some(self.user);
        (self.reach == Reach::Everything || is_own())
            .then(|| Granted::proven(self.tenant, self.user))
    }

    /// The condition of a list: `parameter` is the number of the placeholder to which
    /// [`owner`](Self::owner) is bound.
    ///
    /// ```text
    /// ($2::uuid is null or owner_id = $2)
    /// ```
    #[must_use]
    pub fn condition(&self, parameter: u16) -> String {
        format!("(${parameter}::uuid is null or {} = ${parameter})", R::COLUMN)
    }

    /// What to bind for [`condition`](Self::condition): whose rows, `None` for everybody's.
    #[must_use]
    pub fn owner(&self) -> Option<Uuid> {
        (self.reach == Reach::Own).then(|| self.user.as_uuid())
    }
}

impl<P: Permission, R> fmt::Debug for OwnedBy<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedBy")
            .field("permission", &P::NAME)
            .field("user", &self.user)
            .field("reach", &self.reach)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use saas_core::{
        Clock, SessionId,
        auth::Credential,
        permission::{Grants, PermissionSet, Risk, Terms},
    };

    use super::*;

    struct Manage;
    struct WriteOwn;

    impl Permission for Manage {
        const BIT: u8 = 1;
        const NAME: &'static str = "documents:manage";
        const RISK: Risk = Risk::High;
    }

    impl Permission for WriteOwn {
        const BIT: u8 = 2;
        const NAME: &'static str = "documents:write";
        const RISK: Risk = Risk::Low;
    }

    struct Document(Option<UserId>);

    impl Owned for Document {
        type Own = WriteOwn;
        const COLUMN: &'static str = "d.author_id";
        fn owner(&self) -> Option<UserId> {
            self.0
        }
    }

    type Access = OwnedBy<Manage, Document>;

    fn principal(user: UserId, bits: &[u8]) -> Principal {
        let clock = Clock::system();
        let session = Credential::Session(SessionId::generate(&clock));
        let grants = Grants::new(Terms::of_roles(bits.iter().copied().collect::<PermissionSet>()));
        let tenant = TenantId::generate(&clock);
        Principal::new(user, session, clock.now()).in_tenant(tenant, ["x"], grants)
    }

    #[test]
    fn the_check_and_the_condition_of_the_list_agree() {
        let clock = Clock::system();
        let (me, other) = (UserId::generate(&clock), UserId::generate(&clock));
        for (bits, everything) in [(&[1][..], true), (&[2], false), (&[1, 2], true)] {
            let access = Access::of(&principal(me, bits)).unwrap();
            for owner in [Some(me), Some(other), None] {
                // `($1 is null or owner = $1)`, as the database reads it.
                let bound = access.owner().map(UserId::from_uuid);
                let listed = bound.is_none() || (owner.is_some() && owner == bound);
                assert_eq!(access.check(&Document(owner)).is_some(), listed);
                assert_eq!(listed, everything || owner == Some(me));
            }
        }
    }

    #[test]
    fn owning_something_is_not_enough_without_the_permission_for_ones_own() {
        let user = UserId::generate(&Clock::system());
        let refused = Access::of(&principal(user, &[7])).unwrap_err();
        assert!(
            matches!(refused, NotGranted::Denied(denied) if denied.permission() == Manage::NAME)
        );
    }

    #[test]
    fn the_condition_names_the_column_and_one_parameter() {
        let access = Access::of(&principal(UserId::generate(&Clock::system()), &[2])).unwrap();
        assert_eq!(access.condition(3), "($3::uuid is null or d.author_id = $3)");
    }
}
