use chrono::{DateTime, Utc};
use saas_tenancy::Tenant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    id: Uuid,
    /// Its name in addresses.
    #[schema(example = "acme")]
    slug: String,
    /// Its name for people.
    #[schema(example = "Acme Sports Club")]
    name: String,
    /// What separates its data from that of others: `shared`, `schema` or `database`.
    #[schema(example = "shared")]
    isolation: &'static str,
    /// Whether it is served: `trial`, `active`, `past_due`, `paused`, `suspended`, `cancelled`.
    #[schema(example = "trial")]
    status: &'static str,
    settings: TenantSettings,
    created_at: DateTime<Utc>,
    /// Grows with every change; the same as in the `ETag`.
    version: i64,
}

/// What the owners of a tenant set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantSettings {
    /// The zone in which its days begin, from the IANA database.
    #[schema(example = "Europe/Berlin")]
    pub(super) time_zone: String,
    /// The currency of its prices, ISO 4217.
    #[schema(example = "EUR")]
    pub(super) currency: String,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id.as_uuid(),
            slug: tenant.slug.as_str().to_owned(),
            name: tenant.name.clone(),
            isolation: tenant.placement.isolation.as_str(),
            status: tenant.status.as_str(),
            settings: TenantSettings {
                time_zone: tenant.settings.time_zone.name().to_owned(),
                currency: tenant.settings.currency.to_string(),
            },
            created_at: tenant.created_at,
            version: tenant.version,
        }
    }
}
