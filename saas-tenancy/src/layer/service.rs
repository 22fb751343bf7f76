use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum_core::response::{IntoResponse, Response};
use http::{Method, Request, request::Parts};
use saas_core::{Actor, Problem, RequestId, Scope, scope::NoScope};
use tower_service::Service;
use tracing::Instrument;

use super::{ClientUri, Presence, TenantLayer, telemetry};
use crate::{
    error::TenancyError,
    resolved::ResolvedTenant,
    tenant::{Access, Tenant},
};

/// The service of [`TenantLayer`].
#[derive(Debug, Clone)]
pub struct Tenancy<S> {
    inner: S,
    layer: Arc<TenantLayer>,
}

impl<S> Tenancy<S> {
    pub(super) fn new(inner: S, layer: TenantLayer) -> Self {
        Self { inner, layer: Arc::new(layer) }
    }
}

impl<S, B> Service<Request<B>> for Tenancy<S>
where
    S: Service<Request<B>, Response = Response, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone); // keep the instance that is ready
        let layer = Arc::clone(&self.layer);
        let (mut parts, body) = request.into_parts(); // a body is not `Sync`: hold no `&Request`
        Box::pin(async move {
            let request_id = request_id(&layer, &mut parts);
            let admitted = admit(&layer, &mut parts, request_id).await;
            telemetry::count(&admitted, request_id);
            match admitted {
                Ok(tenant) => {
                    let span = telemetry::span(tenant.as_ref());
                    let call = span.in_scope(|| inner.call(Request::from_parts(parts, body)));
                    call.instrument(span).await
                }
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}

/// Finds the request's tenant and writes it into the extensions, unless it may not be served.
async fn admit(
    layer: &TenantLayer,
    parts: &mut Parts,
    request: RequestId,
) -> Result<Option<ResolvedTenant>, TenancyError> {
    let named = ResolvedTenant::of_request(&*layer.store, &layer.resolvers, parts).await?;
    let outer = parts.extensions.get::<ResolvedTenant>();
    if let (Some(named), Some(outer)) = (&named, outer)
        && named.id != outer.id
    {
        return Err(TenancyError::Conflict("an outer layer has found another tenant"));
    }
    let Some(tenant) = outer.cloned().or(named) else {
        return without_tenant(layer.presence, parts);
    };
    gate(&tenant, &parts.method)?;
    if let Some(stripped) = layer.resolvers.strip(&parts.uri) {
        let sent = mem::replace(&mut parts.uri, stripped);
        parts.extensions.insert(ClientUri(sent));
    }
    match parts.extensions.get::<Scope>() {
        Some(scope) if scope.tenant() == tenant.id => {}
        Some(_) => return Err(TenancyError::Conflict("its scope is of another tenant")),
        None => {
            parts.extensions.insert(Scope::new(tenant.id, Actor::Anonymous, request));
        }
    }
    parts.extensions.insert(tenant.clone());
    Ok(Some(tenant))
}

fn without_tenant(
    presence: Presence,
    parts: &mut Parts,
) -> Result<Option<ResolvedTenant>, TenancyError> {
    match presence {
        Presence::Required => Err(TenancyError::NotFound),
        Presence::Optional => {
            parts.extensions.remove::<Scope>();
            parts.extensions.insert(NoScope::new(Problem::from(TenancyError::NotFound)));
            Ok(None)
        }
    }
}

/// Refuses what the tenant's status does not allow.
fn gate(tenant: &Tenant, method: &Method) -> Result<(), TenancyError> {
    match tenant.status.access() {
        Access::Full => Ok(()),
        Access::ReadOnly if method.is_safe() => Ok(()),
        Access::ReadOnly => Err(TenancyError::ReadOnly),
        Access::Refused => Err(TenancyError::Suspended),
        Access::Absent => Err(TenancyError::NotFound),
    }
}

/// The id that an outer layer gave the request, or a new one.
fn request_id(layer: &TenantLayer, parts: &mut Parts) -> RequestId {
    let given = parts.extensions.get::<RequestId>().copied();
    given.unwrap_or_else(|| {
        let id = RequestId::generate(&layer.clock);
        parts.extensions.insert(id);
        id
    })
}
