use saas_core::TenantId;

use super::{Candidate, RequestAddress, ResolveTenant, Trust};
use crate::error::TenancyError;

/// The tenant that a verified credential is bound to: a request extension that an authentication
/// layer outside of the tenant layer puts in.
///
/// Only verified claims may be put here. The extension cannot come from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantClaim(pub TenantId);

/// Reads the tenant from the [`TenantClaim`] of the credential.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaimedTenant;

impl ResolveTenant for ClaimedTenant {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        let claim = request.extensions().get::<TenantClaim>();
        Ok(claim.map(|TenantClaim(id)| Candidate::Id(*id)))
    }

    fn trust(&self) -> Trust {
        Trust::Credential
    }
}
