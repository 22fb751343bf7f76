//! How a [`ResolvedTenant`] is found: the only ways to get one.

use std::sync::Arc;

use http::request::Parts;
use saas_core::TenantId;

use super::TenantStore;
use crate::{
    error::TenancyError,
    resolve::{Candidate, Resolvers},
    resolved::ResolvedTenant,
    slug::Slug,
    tenant::Tenant,
};

impl ResolvedTenant {
    /// The tenant that a request names; `None` if it names none.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] if any of the sources names no ready tenant,
    /// [`TenancyError::Conflict`] if they name different ones, [`TenancyError::BadAddress`] if one
    /// of them is malformed, [`TenancyError::Store`] if the store cannot be reached.
    pub async fn of_request(
        store: &dyn TenantStore,
        resolvers: &Resolvers,
        parts: &Parts,
    ) -> Result<Option<Self>, TenancyError> {
        let mut candidates = resolvers.candidates(parts)?;
        // Ids come last: compared with a tenant that is found already they cost no look-up.
        candidates.sort_by_key(|(_, candidate)| matches!(candidate, Candidate::Id(_)));
        let source = candidates.iter().map(|(trust, _)| *trust).max();
        let mut found: Option<Arc<Tenant>> = None;
        let mut agree = true;
        for (_, candidate) in &candidates {
            if found.as_deref().is_some_and(|tenant| is_called(tenant, candidate)) {
                continue;
            }
            let tenant = ready(store, candidate).await?.ok_or(TenancyError::NotFound)?;
            agree &= found.as_ref().is_none_or(|found| found.id == tenant.id);
            found = Some(tenant);
        }
        if !agree {
            return Err(TenancyError::Conflict("its host, path, headers and credential disagree"));
        }
        Ok(found.map(|tenant| Self::found(tenant, source)))
    }

    /// The ready tenant of this name.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] if there is none, [`TenancyError::Store`] if the store cannot be
    /// reached.
    pub async fn by_slug(store: &dyn TenantStore, slug: &Slug) -> Result<Self, TenancyError> {
        Self::of_program(store.by_slug(slug).await?)
    }

    /// The tenant with this id, ready or not.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] if there is none, [`TenancyError::Store`] if the store cannot be
    /// reached.
    pub async fn by_id(store: &dyn TenantStore, id: TenantId) -> Result<Self, TenancyError> {
        Self::of_program(store.by_id(id).await?)
    }

    fn of_program(found: Option<Arc<Tenant>>) -> Result<Self, TenancyError> {
        Ok(Self::found(found.ok_or(TenancyError::NotFound)?, None))
    }
}

fn is_called(tenant: &Tenant, candidate: &Candidate) -> bool {
    match candidate {
        Candidate::Id(id) => tenant.id == *id,
        Candidate::Slug(slug) => tenant.slug == *slug,
        Candidate::Domain(_) => false,
    }
}

/// The tenant of this name, only if it is ready.
async fn ready(
    store: &dyn TenantStore,
    candidate: &Candidate,
) -> Result<Option<Arc<Tenant>>, TenancyError> {
    match candidate {
        Candidate::Slug(slug) => store.by_slug(slug).await,
        Candidate::Domain(name) => store.by_domain(name).await,
        // By id a store shows half-made tenants too; by slug it does not.
        Candidate::Id(id) => match store.by_id(*id).await? {
            Some(tenant) => {
                let named = store.by_slug(&tenant.slug).await?;
                Ok(named.filter(|named| named.id == *id))
            }
            None => Ok(None),
        },
    }
}
