//! A store behind an `Arc` or a `Box` is a store.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use saas_core::{AuditEntry, TenantId};

use super::{TenantChange, TenantStore};
use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::Server,
    resolve::HostName,
    slug::Slug,
    tenant::{NewTenant, Tenant},
};

macro_rules! delegate {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: TenantStore + ?Sized> TenantStore for $pointer<T> {
            async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, TenancyError> {
                (**self).by_id(id).await
            }

            async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, TenancyError> {
                (**self).by_slug(slug).await
            }

            async fn by_domain(
                &self,
                name: &HostName,
            ) -> Result<Option<Arc<Tenant>>, TenancyError> {
                (**self).by_domain(name).await
            }

            async fn list(
                &self,
                after: Option<TenantId>,
                limit: u32,
            ) -> Result<Vec<Arc<Tenant>>, TenancyError> {
                (**self).list(after, limit).await
            }

            async fn insert(&self, tenant: NewTenant) -> Result<Arc<Tenant>, TenancyError> {
                (**self).insert(tenant).await
            }

            async fn mark_ready(&self, id: TenantId) -> Result<(), TenancyError> {
                (**self).mark_ready(id).await
            }

            async fn update(
                &self,
                id: TenantId,
                change: TenantChange,
                expected: Option<i64>,
            ) -> Result<Arc<Tenant>, TenancyError> {
                (**self).update(id, change, expected).await
            }

            async fn remove(&self, id: TenantId) -> Result<(), TenancyError> {
                (**self).remove(id).await
            }

            async fn domains(&self, tenant: TenantId) -> Result<Vec<Domain>, TenancyError> {
                (**self).domains(tenant).await
            }

            async fn claim_domain(
                &self,
                domain: Domain,
                note: Option<AuditEntry>,
            ) -> Result<(), TenancyError> {
                (**self).claim_domain(domain, note).await
            }

            async fn set_verified(
                &self,
                tenant: TenantId,
                domain: DomainId,
                at: Option<DateTime<Utc>>,
            ) -> Result<(), TenancyError> {
                (**self).set_verified(tenant, domain, at).await
            }

            async fn release_domain(
                &self,
                tenant: TenantId,
                domain: DomainId,
                note: Option<AuditEntry>,
            ) -> Result<(), TenancyError> {
                (**self).release_domain(tenant, domain, note).await
            }

            async fn servers(&self) -> Result<Vec<Server>, TenancyError> {
                (**self).servers().await
            }
        }
    };
}

delegate!(Arc);
delegate!(Box);
