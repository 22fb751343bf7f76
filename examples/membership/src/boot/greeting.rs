//! What the terminal shows once the application is up.

use std::{fmt, net::SocketAddr, path::PathBuf};

use saas_tenancy::{Slug, Status, tenant::Access};
use serde::Serialize;

use super::{backend::Backend, data::DataDir};
use crate::{config::PublicUrl, failure::Failure, routes::docs};

/// How many tenants are shown.
const SHOWN: u32 = 5;

/// What a user needs to go on, once the application is up.
#[derive(Debug, Serialize)]
pub struct Greeting {
    tenants: Vec<TenantAddress>,
    url: String,
    docs: String,
    health: String,
    metrics: String,
    /// Whether this process can make tenants.
    may_sign_up: bool,
    /// Where the private server keeps the data; nothing when somebody else runs the server.
    data: Option<PathBuf>,
}

/// Where a tenant is served.
#[derive(Debug, Serialize)]
struct TenantAddress {
    slug: Slug,
    isolation: &'static str,
    status: Status,
    url: String,
}

impl Greeting {
    /// Looks up which tenants there are to visit.
    ///
    /// # Errors
    /// [`Failure::Tenancy`] when the tenants cannot be listed.
    pub async fn of(
        backend: &Backend,
        public_url: &PublicUrl,
        admin: SocketAddr,
        data: &DataDir,
    ) -> Result<Self, Failure> {
        let may_list = backend.admin().is_ok();
        let tenants = if may_list { backend.store().list(None, SHOWN).await? } else { Vec::new() };
        let tenants = tenants.iter().map(|tenant| TenantAddress {
            slug: tenant.slug.clone(),
            isolation: tenant.placement.isolation.as_str(),
            status: tenant.status,
            url: public_url.of(&tenant.slug).to_string(),
        });
        let data = backend.is_ours().then(|| data.path().to_owned());
        Ok(Self { may_sign_up: may_list, data, ..Self::to(tenants.collect(), public_url, admin) })
    }

    fn to(tenants: Vec<TenantAddress>, public_url: &PublicUrl, admin: SocketAddr) -> Self {
        let url = public_url.to_string();
        // On a tenant's host the page can try the tenant's routes.
        let host = served(&tenants).map_or(&url, |tenant| &tenant.url);
        Self {
            docs: format!("{host}{}", docs::PAGE),
            health: format!("{url}/readyz"),
            metrics: format!("http://{admin}/metrics"),
            may_sign_up: false,
            data: None,
            tenants,
            url,
        }
    }

    fn examples(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, url, .. } = self;
        if let Some(TenantAddress { slug, url: own, .. }) = served(tenants) {
            writeln!(f, "\nTry it:")?;
            writeln!(f, "  curl '{own}/api/v1/members?limit=3&search=ann'")?;
            writeln!(
                f,
                "  curl '{url}/t/{slug}/api/v1/members?limit=3'   the same tenant by path"
            )?;
        }
        if self.may_sign_up {
            let body = r#"{"name": "My Club", "slug": "my-club"}"#;
            let json = "-H 'content-type: application/json'";
            writeln!(f, "\nMake a tenant:")?;
            writeln!(f, "  curl '{url}/api/v1/tenants' {json} -d '{body}'")?;
        }
        Ok(())
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, docs, health, metrics, data, .. } = self;
        writeln!(f, "\nmembership is up. Ctrl-C stops it.\n")?;
        for TenantAddress { slug, isolation, status, url } in tenants {
            writeln!(f, "  {:<12} {url}/api/v1/members   ({isolation}, {status})", slug.as_str())?;
        }
        writeln!(f, "  {:<12} {docs}", "API docs")?;
        writeln!(f, "  {:<12} {health}", "health")?;
        writeln!(f, "  {:<12} {metrics}", "metrics")?;
        if let Some(data) = data {
            writeln!(f, "  {:<12} {}", "data", data.display())?;
        }
        self.examples(f)?;
        writeln!(f, "\nThere is no sign-in in this version: only this machine can connect.")
    }
}

/// The first tenant that answers.
fn served(tenants: &[TenantAddress]) -> Option<&TenantAddress> {
    tenants.iter().find(|tenant| tenant.status.access() == Access::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(tenants: &[(&str, Status)]) -> Greeting {
        let local = PublicUrl::local(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let address = |(slug, status): &(&str, Status)| {
            let slug: Slug = slug.parse().unwrap();
            let url = local.of(&slug).to_string();
            TenantAddress { slug, isolation: "shared", status: *status, url }
        };
        let admin = SocketAddr::from(([127, 0, 0, 1], 9090));
        Greeting::to(tenants.iter().map(address).collect(), &local, admin)
    }

    #[test]
    fn examples_and_the_page_lead_to_a_tenant_that_is_served() {
        let text = greeting(&[("hooli", Status::Suspended), ("acme", Status::Active)]).to_string();
        assert!(text.contains("(shared, suspended)"), "{text}");
        assert!(text.contains("http://acme.localhost:8080/api/docs/"), "{text}");
        assert!(text.contains("curl 'http://acme.localhost:8080/api/v1/members"), "{text}");
        assert!(text.contains("curl 'http://localhost:8080/t/acme/api/v1/members"), "{text}");
    }

    #[test]
    fn what_this_process_cannot_do_is_not_offered() {
        let text = greeting(&[]).to_string();
        assert!(text.contains("http://localhost:8080/api/docs/"), "{text}");
        assert!(!text.contains("curl"), "{text}");
    }
}
