//! Whether the databases keep tenants apart, looked at with the application's own rights.

use saas_tenancy::{
    check::{self, Finding, Severity},
    placement::physical_name,
};
use serde::Serialize;
use sqlx::Connection;

use super::{admin, backend::Backend, plane::Plane};
use crate::failure::Failure;

/// Something that is not as it should be, in one database.
#[derive(Debug, Serialize)]
pub struct Fault {
    /// Which database: `control plane`, or the slug of the tenant that has its own.
    pub place: String,
    /// `refuse` stops the start, `warn` does not.
    pub severity: &'static str,
    /// The rule that is broken.
    pub rule: &'static str,
    /// What is wrong.
    pub what: String,
    /// The SQL that puts it right.
    pub fix: String,
}

impl Fault {
    /// Whether the application must not start.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.severity == REFUSE
    }

    fn new(place: &str, finding: &Finding) -> Self {
        let severity = match finding.severity {
            Severity::Refuse => REFUSE,
            Severity::Warn => "warn",
        };
        let Finding { rule, what, fix, .. } = finding.clone();
        Self { place: place.to_owned(), severity, rule, what, fix: statement(&fix) }
    }
}

const REFUSE: &str = "refuse";

/// SQL with its end, so that several fixes can be pasted at once.
fn statement(sql: &str) -> String {
    match sql.split_once(" -- ") {
        Some((sql, remark)) => format!("{sql}; -- {remark}"),
        None => format!("{sql};"),
    }
}

impl Backend {
    /// Looks at the common database, and at every database that a tenant has for itself.
    ///
    /// # Errors
    /// [`Failure::Other`] when a database cannot be reached, [`Failure::Tenancy`] when a check
    /// fails to run.
    pub async fn check(&self) -> Result<Vec<Fault>, Failure> {
        let mut faults = self.check_one(&Plane::Control).await?;
        // Without an administrator nobody may list the tenants that have their own.
        if self.admin().is_ok() {
            for plane in self.planes().await? {
                if plane.has_database() {
                    faults.extend(self.check_one(&plane).await?);
                }
            }
        }
        Ok(faults)
    }

    async fn check_one(&self, plane: &Plane) -> Result<Vec<Fault>, Failure> {
        let login = match plane {
            Plane::Tenant(tenant) => self.login_of(&physical_name(tenant.id))?,
            Plane::Control | Plane::Shared => self.app().clone(),
        };
        let mut conn = admin::connect_as_app(&login).await?;
        let report = check::server(&mut conn).await?;
        conn.close().await.map_err(Failure::other("close a connection"))?;
        let place = plane.to_string();
        Ok(report.findings().iter().map(|finding| Fault::new(&place, finding)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_can_be_pasted_one_after_the_other() {
        assert_eq!(statement("alter role a nosuperuser"), "alter role a nosuperuser;");
        assert_eq!(statement("select 1 -- afterwards"), "select 1; -- afterwards");
    }
}
