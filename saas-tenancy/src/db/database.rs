//! A database per tenant: its login role can connect to no other.

use super::{
    pool::Target,
    row_level::SCHEMA,
    session::{Defaults, Session, begin},
};
use crate::tenant::Tenant;

pub(super) fn session(tenant: &Tenant, known: Defaults) -> Session {
    Session { target: Target::Tenant(tenant.id), begin: begin(None, SCHEMA, tenant, known) }
}
