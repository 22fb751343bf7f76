//! A tenant that was found: the proof that request code holds.
//!
//! 1. A [`ResolvedTenant`] comes from a [`TenantStore`](crate::TenantStore) and from nowhere else,
//!    so holding one means that the tenant exists. It says nothing about whether the tenant may be
//!    served: that is [`Status::access`](crate::Status::access), which the layer checks.
//! 2. [`of_request`](ResolvedTenant::of_request) finds only tenants that are ready, whatever the
//!    request names them by. [`by_id`](ResolvedTenant::by_id) shows unready ones too, for
//!    provisioning, jobs and commands.
//! 3. All that a request names must be the same tenant.
//!
//! ```
//! use saas_tenancy::{ResolvedTenant, TenancyError, TenantStore};
//!
//! async fn name_of(store: &dyn TenantStore, slug: &str) -> Result<String, TenancyError> {
//!     let slug = slug.parse().map_err(|_| TenancyError::NotFound)?;
//!     let tenant = ResolvedTenant::by_slug(store, &slug).await?;
//!     Ok(tenant.name.clone())
//! }
//! ```

use std::{ops::Deref, sync::Arc};

use crate::{resolve::Trust, tenant::Tenant};

/// A tenant that a store knows. Cheap to clone; reads as the [`Tenant`] it holds.
#[derive(Debug, Clone)]
pub struct ResolvedTenant {
    tenant: Arc<Tenant>,
    source: Option<Trust>,
}

impl ResolvedTenant {
    /// Only the look-ups of [`store`](crate::store) call this.
    pub(crate) const fn found(tenant: Arc<Tenant>, source: Option<Trust>) -> Self {
        Self { tenant, source }
    }

    /// The most trusted source that named the tenant; `None` if the program itself asked for it.
    #[must_use]
    pub const fn source(&self) -> Option<Trust> {
        self.source
    }
}

impl Deref for ResolvedTenant {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}
