//! What every handler may reach.

use axum::extract::FromRef;
use saas_core::Clock;
use saas_tenancy::db::TenantDatabases;

/// What every handler may reach. Cheap to clone.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Where the time comes from.
    pub clock: Clock,
    /// The databases of all tenants.
    pub databases: TenantDatabases,
}
