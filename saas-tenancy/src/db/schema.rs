//! A schema per tenant: `search_path` names it, and only its role may use it.

use super::{
    pool::Target,
    session::{Defaults, Session, begin},
};
use crate::{placement::physical_name, tenant::Tenant};

pub(super) fn session(tenant: &Tenant, known: Defaults) -> Session {
    let name = physical_name(tenant.id);
    Session { target: Target::App, begin: begin(Some(&name), &name, tenant, known) }
}
