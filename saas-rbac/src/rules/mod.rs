//! What each route of an application asks for, as one table.
//!
//! 1. Every route states its [`Rule`]. [`RouteRules::check`] compares the table with the routes that
//!    there are: a route without a rule, a rule without a route or an unknown permission is a
//!    [`RuleError`], and the router does not build.
//! 2. [`RouteRules::matrix`] says for every route which fixed role passes. Its text is meant to be
//!    kept beside the tests: a change of a rule shows up in review.
//! 3. The same rule that the table shows is what [`RequireLayer`](crate::require::RequireLayer)
//!    enforces.
//!
//! ```
//! use http::Method;
//! use saas_rbac::permission::{FixedRole, FixedRoles, PermissionSet};
//! use saas_rbac::rules::{RouteRules, Rule};
//!
//! saas_rbac::permissions! {
//!     /// What people may do.
//!     pub mod perm {
//!         /// The people of a club.
//!         members {
//!             /// See members.
//!             Read: "read" = 0, Low;
//!             /// Add members.
//!             Create: "create" = 1, Low;
//!         }
//!     }
//! }
//! const ROLES: FixedRoles = FixedRoles::new(&[
//!     FixedRole::new(0, "owner", perm::CATALOGUE.all()),
//!     FixedRole::new(1, "viewer", PermissionSet::of(0)),
//! ]);
//!
//! let rules = RouteRules::new()
//!     .with(Method::GET, "/healthz", Rule::public())?
//!     .with(Method::GET, "/members", Rule::permission::<perm::members::Read>())?
//!     .with(Method::POST, "/members", Rule::permission::<perm::members::Create>())?;
//! let routes = [(Method::GET, "/healthz"), (Method::GET, "/members"), (Method::POST, "/members")];
//! rules.check(&perm::CATALOGUE, routes)?;
//!
//! let missing = rules.check(&perm::CATALOGUE, [(Method::DELETE, "/members")]).unwrap_err();
//! assert!(missing.to_string().contains("`DELETE /members` has no rule"));
//!
//! let text = rules.matrix(&ROLES).to_string();
//! assert!(text.contains("POST    /members  members:create  ·          ●      ·"), "{text}");
//! # Ok::<(), saas_rbac::rules::RuleError>(())
//! ```

mod matrix;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;

pub use self::{
    matrix::{MatrixRow, RouteMatrix},
    rule::{Need, Rule, Security},
};
use crate::permission::{Catalogue, FixedRoles};

/// What is wrong with a table of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules of the routes do not fit: {}", problems.join("; "))]
pub struct RuleError {
    problems: Vec<String>,
}

impl RuleError {
    /// What is wrong, one line each.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// The rules of all routes. See the [module docs](self).
#[derive(Debug, Clone, Default)]
pub struct RouteRules {
    /// By path and method: routes of one path stand together.
    rules: BTreeMap<(String, String), Rule>,
}

impl RouteRules {
    /// No rules yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rule of one route. `path` is the pattern as the router has it.
    ///
    /// # Errors
    /// [`RuleError`] when the route has a rule already.
    pub fn with(mut self, method: Method, path: &str, rule: Rule) -> Result<Self, RuleError> {
        self.add(method, path, rule)?;
        Ok(self)
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    #[expect(clippy::needless_pass_by_value, reason = "methods are handed over as they are named")]
    pub fn add(&mut self, method: Method, path: &str, rule: Rule) -> Result<(), RuleError> {
        let key = (path.to_owned(), method.to_string());
        if self.rules.contains_key(&key) {
            let problem = format!("`{method} {path}` has two rules; leave one");
            return Err(RuleError { problems: vec![problem] });
        }
        self.rules.insert(key, rule);
        Ok(())
    }

    /// The rules of both tables.
    ///
    /// # Errors
    /// [`RuleError`] when a route has a rule in both.
    pub fn merge(mut self, other: Self) -> Result<Self, RuleError> {
        for ((path, method), rule) in other.rules {
            if self.rules.insert((path.clone(), method.clone()), rule).is_some() {
                let problem = format!("`{method} {path}` has two rules; leave one");
                return Err(RuleError { problems: vec![problem] });
            }
        }
        Ok(self)
    }

    /// The rule of a route.
    #[must_use]
    pub fn get(&self, method: &Method, path: &str) -> Option<&Rule> {
        self.rules.get(&(path.to_owned(), method.to_string()))
    }

    /// All routes with their rules: method, path, rule, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Rule)> {
        self.rules.iter().map(|((path, method), rule)| (method.as_str(), path.as_str(), rule))
    }

    /// Compares the table with the routes that there are, and with the permissions.
    ///
    /// # Errors
    /// [`RuleError`] with all that does not fit.
    pub fn check<'a>(
        &self,
        catalogue: &Catalogue,
        routes: impl IntoIterator<Item = (Method, &'a str)>,
    ) -> Result<(), RuleError> {
        let routes: BTreeSet<_> = routes
            .into_iter()
            .map(|(method, path)| (path.to_owned(), method.to_string()))
            .collect();
        let without_rule = routes.iter().filter(|route| !self.rules.contains_key(*route));
        let mut problems: Vec<_> = without_rule
            .map(|(path, method)| format!("`{method} {path}` has no rule; state one"))
            .collect();
        for ((path, method), rule) in &self.rules {
            if !routes.contains(&(path.clone(), method.clone())) {
                problems.push(format!("there is no route `{method} {path}`; remove its rule"));
            }
            for permission in rule.permissions() {
                let known = catalogue.parse(permission.name);
                if known.is_none_or(|known| known.bit != permission.bit) {
                    let name = permission.name;
                    problems.push(format!("`{method} {path}` asks for the unknown `{name}`"));
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(RuleError { problems }) }
    }

    /// Which fixed role passes which route.
    #[must_use]
    pub fn matrix(&self, roles: &FixedRoles) -> RouteMatrix {
        RouteMatrix::new(self, roles)
    }
}

#[cfg(test)]
mod tests;
