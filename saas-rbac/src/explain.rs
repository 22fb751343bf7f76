//! Why somebody may do something or not, and what would change it.
//!
//! 1. The answer comes from the same [`Grants`] that the check asks, so the two cannot differ.
//! 2. It names every term that is in the way, the roles of the tenant that would give the permission,
//!    and the smallest change that would allow it.
//! 3. It is for the people who run a tenant. It says nothing that the list of roles does not.
//!
//! ```
//! use saas_core::permission::{Blocked, Grants, Permission, PermissionInfo, PermissionSet, Risk, Terms};
//! use saas_rbac::explain::{Change, explain};
//!
//! const READ: PermissionInfo =
//!     PermissionInfo { bit: 0, name: "members:read", risk: Risk::Low, description: "See members" };
//!
//! let grants = Grants::new(Terms::of_roles(PermissionSet::EMPTY));
//! let roles = [("admin", PermissionSet::ALL), ("viewer", PermissionSet::of(0))];
//! let answer = explain(&grants, &READ, roles);
//! assert!(!answer.allowed);
//! assert_eq!(answer.blocked, ["role"]);
//! assert_eq!(answer.changes, [Change::GiveRole("viewer".to_owned())], "the smallest that will do");
//! ```

use saas_core::permission::{Blocked, Grants, PermissionInfo, PermissionSet};
use serde::Serialize;

/// Why somebody may do something or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The permission.
    pub permission: &'static str,
    /// Whether it is allowed: what the check answers.
    pub allowed: bool,
    /// The terms that are in the way: `role`, `plan`, `scope`, `impersonation`, `denied`.
    pub blocked: Vec<&'static str>,
    /// The roles of the tenant that give it, from the one that gives least.
    pub roles: Vec<String>,
    /// All that has to change before it is allowed; empty if it is.
    pub changes: Vec<Change>,
}

/// A change that takes one term out of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", content = "with", rename_all = "snake_case")]
pub enum Change {
    /// Give the person this role, too: of those that give the permission the one that gives least.
    GiveRole(String),
    /// Make a role that gives the permission: there is none.
    MakeRole,
    /// Take a plan that includes it.
    ChangePlan,
    /// Use a key with a scope for it.
    WidenScope,
    /// Sign in as oneself.
    StopImpersonation,
    /// Lift what was denied to this person.
    LiftDenial,
}

/// Says why `grants` allow `permission` or not. `roles` are those of the tenant: name, and what each
/// gives with all that it includes.
#[must_use]
pub fn explain<N: Into<String>>(
    grants: &Grants,
    permission: &PermissionInfo,
    roles: impl IntoIterator<Item = (N, PermissionSet)>,
) -> Explanation {
    let verdict = grants.explain(permission.bit);
    let giving = roles.into_iter().filter(|(_, gives)| gives.contains(permission.bit));
    let mut giving: Vec<_> = giving.map(|(name, gives)| (gives.len(), name.into())).collect();
    giving.sort_by_key(|(size, _)| *size);
    let roles: Vec<String> = giving.into_iter().map(|(_, name)| name).collect();
    let change = |term| match term {
        Blocked::Role => roles.first().cloned().map_or(Change::MakeRole, Change::GiveRole),
        Blocked::Plan => Change::ChangePlan,
        Blocked::Scope => Change::WidenScope,
        Blocked::Impersonation => Change::StopImpersonation,
        Blocked::Denied => Change::LiftDenial,
    };
    Explanation {
        permission: permission.name,
        allowed: verdict.allowed(),
        blocked: verdict.blocked().map(Blocked::name).collect(),
        changes: verdict.blocked().map(change).collect(),
        roles,
    }
}

#[cfg(test)]
mod tests {
    use saas_core::permission::{Risk, Terms};

    use super::*;

    const ROLES: [(&str, &[u8]); 4] =
        [("owner", &[0, 1, 2, 3]), ("admin", &[0, 1, 2]), ("member", &[0, 1]), ("viewer", &[0])];

    fn set(bits: &[u8]) -> PermissionSet {
        bits.iter().copied().collect()
    }

    const fn info(bit: u8) -> PermissionInfo {
        PermissionInfo { bit, name: "thing:do", risk: Risk::Low, description: "" }
    }

    /// Does to the terms what the change asks for.
    fn apply(change: &Change, bit: u8, terms: Terms) -> Terms {
        match change {
            Change::GiveRole(name) => {
                let role = ROLES.iter().find(|(role, _)| role == name).unwrap();
                Terms { roles: terms.roles.union(set(role.1)), ..terms }
            }
            Change::MakeRole => Terms { roles: terms.roles.with(bit), ..terms },
            Change::ChangePlan => Terms { plan: terms.plan.with(bit), ..terms },
            Change::WidenScope => Terms { scopes: terms.scopes.with(bit), ..terms },
            Change::StopImpersonation => Terms { impersonation: PermissionSet::ALL, ..terms },
            Change::LiftDenial => {
                Terms { denied: terms.denied.difference(PermissionSet::of(bit)), ..terms }
            }
        }
    }

    /// Every set of roles with every way in which the other terms may be in the way of `bit`.
    fn cases(bit: u8) -> impl Iterator<Item = Terms> {
        (0..16_u8).flat_map(move |held| {
            (0..16_u8).map(move |blocking| {
                let in_the_way = |term: u8| blocking >> term & 1 == 1;
                let but_it = PermissionSet::ALL.difference(PermissionSet::of(bit));
                let term = |n| if in_the_way(n) { but_it } else { PermissionSet::ALL };
                let roles =
                    (0..4).filter(|role| held >> role & 1 == 1).map(|role| set(ROLES[role].1));
                Terms {
                    roles: roles.fold(PermissionSet::EMPTY, PermissionSet::union),
                    plan: term(0),
                    scopes: term(1),
                    impersonation: term(2),
                    denied: PermissionSet::ALL.difference(term(3)),
                }
            })
        })
    }

    #[test]
    fn the_explanation_agrees_with_the_check_and_its_changes_allow_it() {
        for bit in 0..=4 {
            for terms in cases(bit) {
                let grants = Grants::new(terms);
                let answer =
                    explain(&grants, &info(bit), ROLES.map(|(name, bits)| (name, set(bits))));
                assert_eq!(answer.allowed, grants.allows_bit(bit), "{terms:?}");
                assert_eq!(answer.allowed, answer.blocked.is_empty());
                let changed =
                    answer.changes.iter().fold(terms, |terms, one| apply(one, bit, terms));
                assert!(Grants::new(changed).allows_bit(bit), "{answer:?}");
                // Minimal: without any one of them it is still refused.
                for left_out in &answer.changes {
                    let rest = answer.changes.iter().filter(|one| *one != left_out);
                    let rest = rest.fold(terms, |terms, one| apply(one, bit, terms));
                    assert!(!Grants::new(rest).allows_bit(bit), "{left_out:?} is not needed");
                }
            }
        }
    }

    #[test]
    fn roles_are_named_from_the_one_that_gives_least() {
        let nothing = Grants::NONE;
        let answer = explain(&nothing, &info(1), ROLES.map(|(name, bits)| (name, set(bits))));
        assert_eq!(answer.roles, ["member", "admin", "owner"]);
        let answer = explain(&nothing, &info(4), ROLES.map(|(name, bits)| (name, set(bits))));
        assert_eq!((answer.roles, answer.changes), (vec![], vec![Change::MakeRole]));
    }
}
