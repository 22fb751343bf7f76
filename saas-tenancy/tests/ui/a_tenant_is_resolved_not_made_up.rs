//! A resolved tenant comes from a store and from nowhere else.

use std::sync::Arc;

use saas_tenancy::{ResolvedTenant, Tenant};

fn made_up(tenant: Arc<Tenant>) -> ResolvedTenant {
    ResolvedTenant { tenant, source: None }
}

fn main() {}
