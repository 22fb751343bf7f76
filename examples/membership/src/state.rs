//! What every handler may reach.

use std::sync::Arc;

use axum::extract::FromRef;
use saas_core::Clock;
use saas_tenancy::{TenantStore, db::TenantDatabases, provision::Provisioner};

use crate::config::PublicUrl;

/// What every handler may reach. Cheap to clone.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Where the time comes from.
    pub clock: Clock,
    /// The databases of all tenants.
    pub databases: TenantDatabases,
    /// The tenants.
    pub store: Arc<dyn TenantStore>,
    /// What makes tenants.
    pub provisioner: Arc<Provisioner>,
    /// Where people reach the application.
    pub public_url: PublicUrl,
}
