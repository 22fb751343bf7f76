//! What every handler may reach.

use std::sync::Arc;

use axum::extract::FromRef;
use saas_core::Clock;
use saas_tenancy::{
    TenantStore, audit::AuditLog, db::TenantDatabases, provision::Provisioner,
    resolve::TrustedProxies,
};

use crate::{auth::Identity, config::PublicUrl};

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
    /// What signs people in and says what they may do.
    pub identity: Identity,
    /// What was done in each tenant.
    pub audit: AuditLog,
    /// Where people reach the application.
    pub public_url: PublicUrl,
    /// Whose word on where a request comes from is believed.
    pub proxies: TrustedProxies,
    /// Whether this is a demonstration, which shows its mail to everybody.
    pub mode: Mode,
}

/// What the application is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Real tenants.
    #[default]
    Production,
    /// To be looked at: what nobody else may see is shown.
    Demo,
}
