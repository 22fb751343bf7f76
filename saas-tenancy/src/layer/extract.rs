use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use saas_core::scope::NoScope;

use crate::{error::TenancyError, resolved::ResolvedTenant};

/// The tenant of the request.
///
/// # Errors
/// [`TenancyError::NotFound`] if the request names none, [`TenancyError::LayerMissing`] if the
/// router has no [`TenantLayer`](crate::TenantLayer).
impl<S: Sync> FromRequestParts<S> for ResolvedTenant {
    type Rejection = TenancyError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, TenancyError> {
        of_extensions(parts)?.ok_or(TenancyError::NotFound)
    }
}

/// The tenant of the request, if it names one.
///
/// # Errors
/// [`TenancyError::LayerMissing`] if the router has no [`TenantLayer`](crate::TenantLayer).
impl<S: Sync> OptionalFromRequestParts<S> for ResolvedTenant {
    type Rejection = TenancyError;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, TenancyError> {
        of_extensions(parts)
    }
}

/// Without either mark no layer has looked, which must not read as "no tenant".
fn of_extensions(parts: &Parts) -> Result<Option<ResolvedTenant>, TenancyError> {
    match parts.extensions.get::<ResolvedTenant>() {
        Some(tenant) => Ok(Some(tenant.clone())),
        None if parts.extensions.get::<NoScope>().is_some() => Ok(None),
        None => Err(TenancyError::LayerMissing),
    }
}
