//! Looks whether a database holds the promises that isolation rests on, before anything is served.
//!
//! # Rules
//! 1. [`server`] runs over a connection of the running application, so that it sees what the
//!    application may do, not what an administrator believes.
//! 2. A finding that breaks the wall between tenants refuses the start. One that only makes it
//!    thinner is a warning: managed servers do not let everything be closed.
//! 3. Every finding carries the SQL that removes it.
//! 4. What keeps the audit log from being changed is looked at like the wall itself.
//! 5. The catalogue is compared with what [`migrate`](crate::migrate) makes. An object of a tenant
//!    schema that it does not know how to judge is a finding too.
//!
//! ```
//! use saas_tenancy::check::Report;
//!
//! # fn main() -> Result<(), saas_tenancy::TenancyError> {
//! // From `check::server(&mut conn).await?` in an application.
//! let report = Report::default();
//! for warning in report.into_result()? {
//!     eprintln!("{warning}");
//! }
//! # Ok(())
//! # }
//! ```

#![expect(clippy::disallowed_types, reason = "the check runs on a connection of its own")]

mod audit;
mod objects;
#[cfg(feature = "test-util")]
mod probe;
mod roles;
mod rule;
mod tables;

use std::fmt;

use sqlx::{Connection, PgConnection};

use crate::error::TenancyError;

#[cfg(feature = "test-util")]
pub use probe::{Probe, probe};
use rule::Rule;

/// What a finding means for the start of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// One tenant could reach another one's data, or the audit log could be changed.
    Refuse,
    /// A second line of defence is missing.
    Warn,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the rule that is broken; stable.
    pub rule: &'static str,
    /// What it means for the start.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// The SQL that puts it right, for an administrator.
    pub fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; run `{}`", self.what, self.fix)
    }
}

/// All findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// The findings, in the order of the rules.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The warnings, when nothing refuses the start.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] with all that refuses it.
    pub fn into_result(self) -> Result<Vec<Finding>, TenancyError> {
        let (refused, warned): (Vec<_>, Vec<_>) =
            self.findings.into_iter().partition(|one| one.severity == Severity::Refuse);
        if refused.is_empty() {
            return Ok(warned);
        }
        let lines: Vec<_> = refused.iter().map(|one| format!("\n  {one}")).collect();
        Err(TenancyError::Unsafe(format!(
            "the database does not keep tenants apart:{}",
            lines.concat()
        )))
    }
}

/// Checks the database that `conn` is connected to, as the login of the running application: the
/// common database of a server, or one tenant's own. Changes nothing.
///
/// # Errors
/// [`TenancyError::Database`] when the catalogue cannot be read.
pub async fn server(conn: &mut PgConnection) -> Result<Report, TenancyError> {
    let mut tx = conn.begin().await?;
    // With nothing else on the path the server prints every name qualified.
    sqlx::raw_sql("set local search_path = pg_catalog; set transaction read only")
        .execute(&mut *tx)
        .await?;
    let mut report = Report::default();
    for rule in [roles::RULES, tables::RULES, objects::RULES, audit::RULES].concat() {
        report.findings.extend(apply(&mut tx, &rule).await?);
    }
    report.findings.extend(roles::shared_role(&mut tx).await?);
    tx.rollback().await?;
    Ok(report)
}

async fn apply(conn: &mut PgConnection, rule: &Rule) -> Result<Vec<Finding>, sqlx::Error> {
    let rows: Vec<(String, String)> =
        sqlx::query_as(rule.sql).persistent(false).fetch_all(conn).await?;
    let found = rows.into_iter();
    let found =
        found.map(|(what, fix)| Finding { rule: rule.name, severity: rule.severity, what, fix });
    Ok(found.collect())
}
