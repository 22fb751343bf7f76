//! Shared tables: row-level security tells the tenants apart.

use super::{
    pool::Target,
    session::{Defaults, Session, begin},
};
use crate::tenant::Tenant;

/// The schema of the shared tables, and of the tables in a tenant's own database.
pub(super) const SCHEMA: &str = "app";

/// The role that has rights on them. The login role has none.
pub(super) const ROLE: &str = "saas_shared";

pub(super) fn session(tenant: &Tenant, known: Defaults) -> Session {
    Session { target: Target::App, begin: begin(Some(ROLE), SCHEMA, tenant, known) }
}
