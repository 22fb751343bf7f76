//! What the terminal shows once the application is up.

use std::{fmt, net::SocketAddr, path::PathBuf};

use saas_tenancy::{Slug, Status, tenant::Access};
use serde::Serialize;

use super::{backend::Backend, data::DataDir};
use crate::{config::PublicUrl, demo, failure::Failure, routes::docs, state::Mode};

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
    /// Who can sign in to the demo; nothing otherwise.
    log_ins: Option<LogIns>,
    /// Where the private server keeps the data; nothing when somebody else runs the server.
    data: Option<PathBuf>,
}

/// Who can sign in to the demo.
#[derive(Debug, Serialize)]
struct LogIns {
    emails: Vec<String>,
    password: &'static str,
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
        mode: Mode,
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
        let log_ins = (mode == Mode::Demo).then(LogIns::of_demo);
        Ok(Self {
            may_sign_up: may_list,
            data,
            log_ins,
            ..Self::to(tenants.collect(), public_url, admin)
        })
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
            log_ins: None,
            data: None,
            tenants,
            url,
        }
    }

    fn examples(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, url, .. } = self;
        let json = "-H 'content-type: application/json'";
        if let (Some(tenant), Some(log_ins)) = (served(tenants), &self.log_ins) {
            let TenantAddress { slug, url: own, .. } = tenant;
            let password = log_ins.password;
            let body = format!(r#"{{"email": "owner@{slug}.test", "password": "{password}"}}"#);
            let cut = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
            writeln!(f, "\nLog in, then list members:")?;
            writeln!(f, "  TOKEN=$(curl -s '{own}/api/v1/auth/login' {json} -d '{body}' | {cut})")?;
            let bearer = r#"-H "authorization: Bearer $TOKEN""#;
            writeln!(f, "  curl {bearer} '{own}/api/v1/members?limit=3&search=ann'")?;
            writeln!(
                f,
                "  curl {bearer} '{url}/t/{slug}/api/v1/members?limit=3'   the same tenant by path"
            )?;
        }
        if self.may_sign_up {
            let owner =
                r#"{"name": "Ann", "email": "ann@my-club.test", "password": "choose-a-long-one"}"#;
            let body = format!(r#"{{"name": "My Club", "slug": "my-club", "owner": {owner}}}"#);
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
        if let Some(LogIns { emails, password }) = &self.log_ins {
            writeln!(f, "\nLog in with the password {password} as")?;
            for emails in emails.chunks(4) {
                writeln!(f, "  {}", emails.join("  "))?;
            }
        }
        self.examples(f)
    }
}

impl LogIns {
    fn of_demo() -> Self {
        Self { emails: demo::emails(), password: demo::PASSWORD }
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
        let log_ins = Some(LogIns::of_demo());
        Greeting { log_ins, ..Greeting::to(tenants.iter().map(address).collect(), &local, admin) }
    }

    #[test]
    fn examples_and_the_page_lead_to_a_tenant_that_is_served() {
        let text = greeting(&[("hooli", Status::Suspended), ("acme", Status::Active)]).to_string();
        assert!(text.contains("(shared, suspended)"), "{text}");
        assert!(text.contains("http://acme.localhost:8080/api/docs/"), "{text}");
        assert!(text.contains("curl -s 'http://acme.localhost:8080/api/v1/auth/login'"), "{text}");
        assert!(text.contains("'http://acme.localhost:8080/api/v1/members"), "{text}");
        assert!(text.contains("'http://localhost:8080/t/acme/api/v1/members"), "{text}");
        assert!(text.contains("owner@acme.test") && text.contains("root@saas.test"), "{text}");
    }

    #[test]
    fn what_this_process_cannot_do_is_not_offered() {
        let text = greeting(&[]).to_string();
        assert!(text.contains("http://localhost:8080/api/docs/"), "{text}");
        assert!(!text.contains("curl"), "{text}");
    }
}
