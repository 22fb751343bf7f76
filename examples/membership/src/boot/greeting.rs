//! What the terminal shows once the application is up.

use std::{fmt, net::SocketAddr, path::PathBuf};

use saas_tenancy::{Slug, tenant::Access};
use serde::Serialize;

use super::{backend::Backend, data::DataDir};
use crate::{config::PublicUrl, failure::Failure, routes::docs};

/// How many tenants are shown.
const SHOWN: usize = 5;
/// How many tenants are looked at to find them.
const LOOKED_AT: u32 = 50;

/// What a user needs to go on, once the application is up.
#[derive(Debug, Serialize)]
pub struct Greeting {
    tenants: Vec<TenantAddress>,
    url: String,
    docs: String,
    health: String,
    metrics: String,
    /// Where the private server keeps the data; nothing when somebody else runs the server.
    data: Option<PathBuf>,
}

/// Where a tenant is served.
#[derive(Debug, Serialize)]
struct TenantAddress {
    slug: Slug,
    isolation: &'static str,
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
        let tenants = match backend.admin() {
            Ok(_) => backend.store().list(None, LOOKED_AT).await?,
            // Only the administrator may list tenants.
            Err(_) => Vec::new(),
        };
        let served = tenants.iter().filter(|tenant| tenant.status.access() == Access::Full);
        let tenants = served.take(SHOWN).map(|tenant| TenantAddress {
            slug: tenant.slug.clone(),
            isolation: tenant.placement.isolation.as_str(),
            url: public_url.of(&tenant.slug).to_string(),
        });
        Ok(Self {
            tenants: tenants.collect(),
            url: public_url.to_string(),
            docs: format!("{public_url}{}", docs::PAGE),
            health: format!("{public_url}/readyz"),
            metrics: format!("http://{admin}/metrics"),
            data: backend.is_ours().then(|| data.path().to_owned()),
        })
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, url, docs, health, metrics, data } = self;
        writeln!(f, "\nmembership is up. Ctrl-C stops it.\n")?;
        for TenantAddress { slug, isolation, url } in tenants {
            writeln!(f, "  {:<12} {url}/api/v1/members   ({isolation})", slug.as_str())?;
        }
        writeln!(f, "  {:<12} {docs}", "API docs")?;
        writeln!(f, "  {:<12} {health}", "health")?;
        writeln!(f, "  {:<12} {metrics}", "metrics")?;
        if let Some(data) = data {
            writeln!(f, "  {:<12} {}", "data", data.display())?;
        }
        writeln!(f, "\nTry it:")?;
        if let Some(first) = tenants.first() {
            writeln!(f, "  curl '{}/api/v1/members?limit=3&search=ann'", first.url)?;
        }
        writeln!(
            f,
            "  curl '{url}/api/v1/tenants' -H 'content-type: application/json' \
             -d '{{\"name\": \"My Club\", \"slug\": \"my-club\"}}'"
        )?;
        writeln!(f, "\nThere is no sign-in in this version: only this machine can connect.")
    }
}
