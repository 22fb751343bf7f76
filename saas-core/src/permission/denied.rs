use std::fmt;

use http::StatusCode;

use super::{Blocked, Verdict};
use crate::Problem;

/// A permission was asked for and is not allowed. Answers 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    permission: &'static str,
    verdict: Verdict,
}

impl Denied {
    /// Says that `permission` is refused, for the reasons of `verdict`.
    #[must_use]
    pub const fn new(permission: &'static str, verdict: Verdict) -> Self {
        Self { permission, verdict }
    }

    /// What was asked for: `members:create`.
    #[must_use]
    pub const fn permission(&self) -> &'static str {
        self.permission
    }

    /// Which terms are in the way.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The code of the problem.
    ///
    /// A term is named only if it alone is in the way: whoever follows the hint must get further.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.verdict.only_blocker() {
            Some(Blocked::Plan) => "plan_required",
            Some(Blocked::Impersonation) => "impersonation_forbidden",
            _ => "permission_denied",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the permission `{}` is not granted", self.permission)?;
        let mut before = "; in the way: ";
        for term in self.verdict.blocked() {
            write!(f, "{before}{}", term.name())?;
            before = ", ";
        }
        Ok(())
    }
}

impl std::error::Error for Denied {}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let name = denied.permission;
        let detail = match denied.verdict.only_blocker() {
            Some(Blocked::Plan) => {
                format!("the plan does not include `{name}`; change to one that does")
            }
            Some(Blocked::Scope) => {
                format!("this key or token has no scope for `{name}`; use one that has")
            }
            Some(Blocked::Impersonation) => {
                format!("`{name}` is out of reach while acting for somebody else")
            }
            Some(Blocked::Role | Blocked::Denied) | None => {
                format!("this needs the permission `{name}`; ask an administrator for it")
            }
        };
        Self::new(StatusCode::FORBIDDEN, denied.code()).with_detail(detail).with_source(denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{Grants, Permission, PermissionSet, Risk, Terms};

    struct CreateMembers;

    impl Permission for CreateMembers {
        const BIT: u8 = 1;
        const NAME: &'static str = "members:create";
        const RISK: Risk = Risk::Low;
    }

    fn code(terms: Terms) -> String {
        let denied = Grants::new(terms).require::<CreateMembers>().unwrap_err();
        let problem = Problem::from(denied);
        assert_eq!(problem.status(), StatusCode::FORBIDDEN);
        assert!(problem.to_string().contains("`members:create`"));
        problem.code().to_owned()
    }

    #[test]
    fn the_code_names_the_one_term_that_is_in_the_way() {
        let (all, none) = (Terms::of_roles(PermissionSet::ALL), PermissionSet::EMPTY);
        assert_eq!(code(Terms { plan: none, ..all }), "plan_required");
        assert_eq!(code(Terms { impersonation: none, ..all }), "impersonation_forbidden");
        assert_eq!(code(Terms { scopes: none, ..all }), "permission_denied");
        assert_eq!(code(Terms { denied: PermissionSet::ALL, ..all }), "permission_denied");
        assert_eq!(code(Terms::of_roles(none)), "permission_denied");
    }

    #[test]
    fn a_plan_is_not_sold_to_somebody_whose_role_would_not_allow_it_anyway() {
        let terms = Terms { plan: PermissionSet::EMPTY, ..Terms::of_roles(PermissionSet::EMPTY) };
        assert_eq!(code(terms), "permission_denied");
    }

    #[test]
    fn the_log_reads_which_terms_were_in_the_way() {
        let denied = Grants::NONE.require::<CreateMembers>().unwrap_err();
        let text = "the permission `members:create` is not granted; in the way: role";
        assert_eq!(denied.to_string(), text);
    }
}
