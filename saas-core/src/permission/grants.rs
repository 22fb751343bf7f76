use super::{Denied, Permission, PermissionInfo, PermissionSet};

/// What decides over a request, term by term. Every term is stated, so that none is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What the roles of the member give, all together.
    pub roles: PermissionSet,
    /// What the tenant's plan includes.
    pub plan: PermissionSet,
    /// What the API key or the token is limited to.
    pub scopes: PermissionSet,
    /// What is left while somebody acts for this person.
    pub impersonation: PermissionSet,
    /// What is taken from this member, whatever the roles say.
    pub denied: PermissionSet,
}

impl Terms {
    /// Only roles decide: a plan with everything, no scopes, nobody acting for another.
    #[must_use]
    pub const fn of_roles(roles: PermissionSet) -> Self {
        Self {
            roles,
            plan: PermissionSet::ALL,
            scopes: PermissionSet::ALL,
            impersonation: PermissionSet::ALL,
            denied: PermissionSet::EMPTY,
        }
    }
}

/// What a request may do: `(roles ∩ plan ∩ scopes ∩ impersonation) − denied`, computed once.
///
/// See the [module docs](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grants {
    effective: PermissionSet,
    terms: Terms,
}

impl Grants {
    /// Nothing at all: a person without a membership.
    pub const NONE: Self = Self::new(Terms::of_roles(PermissionSet::EMPTY));

    /// What the terms leave.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        let effective = terms
            .roles
            .intersection(terms.plan)
            .intersection(terms.scopes)
            .intersection(terms.impersonation)
            .difference(terms.denied);
        Self { effective, terms }
    }

    /// What is allowed.
    #[must_use]
    pub const fn effective(&self) -> PermissionSet {
        self.effective
    }

    /// What it was computed from.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether `P` is allowed.
    #[must_use]
    #[inline]
    pub const fn allows<P: Permission>(&self) -> bool {
        self.allows_bit(P::BIT)
    }

    /// Whether the permission with this `bit` is allowed.
    #[must_use]
    #[inline]
    pub const fn allows_bit(&self, bit: u8) -> bool {
        self.effective.contains(bit)
    }

    /// Refuses unless `P` is allowed.
    ///
    /// # Errors
    /// [`Denied`] with the terms that are in the way.
    pub const fn require<P: Permission>(&self) -> Result<(), Denied> {
        self.require_named(P::BIT, P::NAME)
    }

    /// Refuses unless `permission` is allowed, for permissions that are known only at run time.
    ///
    /// # Errors
    /// [`Denied`] with the terms that are in the way.
    pub const fn require_info(&self, permission: &PermissionInfo) -> Result<(), Denied> {
        self.require_named(permission.bit, permission.name)
    }

    /// Why the permission with this `bit` is allowed or not.
    #[must_use]
    pub const fn explain(&self, bit: u8) -> Verdict {
        let Terms { roles, plan, scopes, impersonation, denied } = self.terms;
        let lacks = [
            !roles.contains(bit),
            !plan.contains(bit),
            !scopes.contains(bit),
            !impersonation.contains(bit),
            denied.contains(bit),
        ];
        Verdict { allowed: self.allows_bit(bit), lacks }
    }

    const fn require_named(&self, bit: u8, name: &'static str) -> Result<(), Denied> {
        if self.allows_bit(bit) { Ok(()) } else { Err(Denied::new(name, self.explain(bit))) }
    }
}

/// A term that keeps a permission from being allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blocked {
    /// No role of the member gives it.
    Role,
    /// The plan does not include it.
    Plan,
    /// The API key or the token is not scoped for it.
    Scope,
    /// It is out of reach while acting for somebody else.
    Impersonation,
    /// It was taken from this member.
    Denied,
}

impl Blocked {
    /// All terms, in the order in which a [`Verdict`] names them.
    pub const ALL: [Self; 5] =
        [Self::Role, Self::Plan, Self::Scope, Self::Impersonation, Self::Denied];

    /// Its name for logs and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Plan => "plan",
            Self::Scope => "scope",
            Self::Impersonation => "impersonation",
            Self::Denied => "denied",
        }
    }
}

/// The answer of [`Grants::explain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    allowed: bool,
    /// In the order of [`Blocked::ALL`].
    lacks: [bool; 5],
}

impl Verdict {
    /// What [`Grants::allows_bit`] answers; it is the same test.
    #[must_use]
    pub const fn allowed(&self) -> bool {
        self.allowed
    }

    /// The terms in the way; none if it is allowed.
    pub fn blocked(&self) -> impl Iterator<Item = Blocked> + use<> {
        let lacks = self.lacks;
        Blocked::ALL.into_iter().zip(lacks).filter_map(|(term, lack)| lack.then_some(term))
    }

    /// The term in the way if it is the only one: without it the permission would be allowed.
    #[must_use]
    pub fn only_blocker(&self) -> Option<Blocked> {
        let mut blocked = self.blocked();
        blocked.next().filter(|_| blocked.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIT: u8 = 77;

    /// Terms of which exactly those in `blocking` are in the way of `BIT`.
    fn terms(blocking: &[Blocked]) -> Terms {
        let gives = |term: Blocked| match blocking.contains(&term) {
            true => PermissionSet::ALL.difference(PermissionSet::of(BIT)),
            false => PermissionSet::of(BIT),
        };
        Terms {
            roles: gives(Blocked::Role),
            plan: gives(Blocked::Plan),
            scopes: gives(Blocked::Scope),
            impersonation: gives(Blocked::Impersonation),
            denied: PermissionSet::ALL.difference(gives(Blocked::Denied)),
        }
    }

    fn combinations() -> impl Iterator<Item = Vec<Blocked>> {
        (0..1_u32 << Blocked::ALL.len()).map(|chosen| {
            let among = |place: &usize| chosen & (1 << place) != 0;
            (0..Blocked::ALL.len()).filter(among).map(|place| Blocked::ALL[place]).collect()
        })
    }

    #[test]
    fn explain_agrees_with_the_check_for_every_combination_of_terms() {
        for blocking in combinations() {
            let grants = Grants::new(terms(&blocking));
            let verdict = grants.explain(BIT);
            assert_eq!(verdict.allowed(), grants.allows_bit(BIT), "{blocking:?}");
            assert_eq!(verdict.allowed(), blocking.is_empty(), "{blocking:?}");
            assert_eq!(verdict.blocked().collect::<Vec<_>>(), blocking);
        }
    }

    #[test]
    fn removing_the_only_blocker_allows_and_removing_another_does_not() {
        for blocking in combinations().filter(|blocking| !blocking.is_empty()) {
            let only = Grants::new(terms(&blocking)).explain(BIT).only_blocker();
            for removed in &blocking {
                let rest: Vec<_> =
                    blocking.iter().copied().filter(|term| term != removed).collect();
                let allowed = Grants::new(terms(&rest)).allows_bit(BIT);
                assert_eq!(allowed, only == Some(*removed), "{blocking:?} without {removed:?}");
            }
        }
    }

    #[test]
    fn a_denial_wins_over_every_other_term() {
        let all = Terms::of_roles(PermissionSet::ALL);
        let grants = Grants::new(Terms { denied: PermissionSet::of(BIT), ..all });
        assert!(!grants.allows_bit(BIT));
        assert!(grants.allows_bit(BIT + 1));
    }

    #[test]
    fn without_a_role_nothing_is_allowed() {
        assert!(Grants::NONE.effective().is_empty());
    }
}
