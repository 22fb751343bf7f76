use axum_core::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use saas_core::Scope;

use super::handle::{TenantDatabases, TenantDb};
use crate::{error::TenancyError, resolved::ResolvedTenant};

/// The database of the request's tenant, for whoever acts in it.
///
/// The router's state must hold the [`TenantDatabases`]; the tenant comes from the layer.
impl<S> FromRequestParts<S> for TenantDb
where
    S: Send + Sync,
    TenantDatabases: FromRef<S>,
{
    type Rejection = TenancyError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, TenancyError> {
        let tenant = parts.extensions.get::<ResolvedTenant>().ok_or(TenancyError::LayerMissing)?;
        let scope = parts.extensions.get::<Scope>().ok_or(TenancyError::LayerMissing)?;
        let databases = TenantDatabases::from_ref(state);
        let of_tenant = databases.scoped(tenant, scope.actor().clone(), scope.request());
        Ok(match scope.client() {
            Some(client) => of_tenant.with_client(client.clone()),
            None => of_tenant,
        })
    }
}
