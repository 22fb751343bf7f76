//! From a request to the name of its tenant.

mod host;

pub use host::HostName;

use std::{ops::Deref, sync::Arc};

use crate::Tenant;

/// A tenant that was found through a store.
#[derive(Debug, Clone)]
pub struct ResolvedTenant(Arc<Tenant>);

impl Deref for ResolvedTenant {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.0
    }
}
