use std::fmt;

use super::RouteRules;
use crate::{permission::FixedRoles, rules::Need};

/// Which role passes which route. Its text is a table, the same for the same rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatrix {
    roles: Vec<&'static str>,
    rows: Vec<MatrixRow>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixRow {
    /// The method.
    pub method: String,
    /// The pattern of the path.
    pub path: String,
    /// The rule, in words.
    pub rule: String,
    /// Whether somebody passes who has not signed in.
    pub anonymous: bool,
    /// Whether each role passes, in the order of [`RouteMatrix::roles`].
    pub roles: Vec<bool>,
    /// Whether the application's own staff passes as such.
    pub staff: bool,
}

impl RouteMatrix {
    pub(super) fn new(rules: &RouteRules, roles: &FixedRoles) -> Self {
        let row = |(method, path, rule): (&str, &str, &super::Rule)| MatrixRow {
            method: method.to_owned(),
            path: path.to_owned(),
            rule: rule.to_string(),
            anonymous: *rule.need() == Need::Public,
            roles: roles.iter().map(|role| rule.lets_role_pass(role.permissions())).collect(),
            staff: matches!(rule.need(), Need::Public | Need::SignedIn | Need::SuperAdmin),
        };
        let names = roles.iter().map(crate::permission::FixedRole::name).collect();
        Self { roles: names, rows: rules.iter().map(row).collect() }
    }

    /// The roles, in the order of the columns.
    #[must_use]
    pub fn roles(&self) -> &[&'static str] {
        &self.roles
    }

    /// The routes, in the order of their paths.
    #[must_use]
    pub fn rows(&self) -> &[MatrixRow] {
        &self.rows
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let mark = |passes: bool| if passes { "●" } else { "·" }.to_owned();
        let head = ["method", "path", "rule", "anonymous"].map(str::to_owned).into_iter();
        let head = head.chain(self.roles.iter().map(|role| (*role).to_owned()));
        let rows = self.rows.iter().map(|row| {
            let words = [row.method.clone(), row.path.clone(), row.rule.clone()].into_iter();
            let marks = [row.anonymous].into_iter().chain(row.roles.iter().copied());
            words.chain(marks.map(mark)).chain([mark(row.staff)]).collect()
        });
        [head.chain(["staff".to_owned()]).collect()].into_iter().chain(rows).collect()
    }
}

impl fmt::Display for RouteMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        let columns = self.roles.len() + 5;
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in &cells {
            let padded: Vec<_> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}
