use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum_core::response::{IntoResponse, Response};
use http::{Request, request::Parts};
use saas_core::{
    Scope, TenantId,
    auth::{Reject, Unauthenticated},
    scope::NoScope,
};
use saas_tenancy::ResolvedTenant;
use tower_service::Service;

use super::{
    AuthenticateLayer,
    check::{Known, known},
    presented::Presented,
    refused::Refused,
    same_origin, telemetry,
};

/// The service of [`AuthenticateLayer`].
#[derive(Debug, Clone)]
pub struct Authenticate<S> {
    inner: S,
    layer: AuthenticateLayer,
}

impl<S> Authenticate<S> {
    pub(super) const fn new(inner: S, layer: AuthenticateLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B> Service<Request<B>> for Authenticate<S>
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
        let layer = self.layer.clone();
        let (mut parts, body) = request.into_parts(); // a body is not `Sync`: hold no `&Request`
        Box::pin(async move {
            match identify(&layer, &parts).await {
                Ok(found) => {
                    put(&layer, &mut parts, found);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refused) => Ok(refused.into_refusal(&layer.0.realm).into_response()),
            }
        })
    }
}

/// Whom a request is from.
enum Found {
    Somebody(Box<Known>),
    /// Nobody; whoever asks who it is gets this answer.
    Nobody(Reject),
}

/// Finds out whom a request is from, and counts it.
async fn identify(layer: &AuthenticateLayer, parts: &Parts) -> Result<Found, Refused> {
    let cookies = layer.0.sessions.as_ref().map(|(_, cookies)| cookies);
    let presented = Presented::read(&parts.headers, cookies);
    let kind = presented.as_ref().map_or("unclear", Presented::kind);
    let found = match presented {
        Ok(presented) => find(layer, parts, presented).await,
        Err(refused) => Err(refused),
    };
    match &found {
        Ok(Found::Somebody(_)) => telemetry::passed(kind, "accepted"),
        Ok(Found::Nobody(reject)) => telemetry::passed(kind, reject.reason()),
        Err(refused) => telemetry::refused(parts, kind, refused),
    }
    found
}

async fn find(
    layer: &AuthenticateLayer,
    parts: &Parts,
    presented: Presented<'_>,
) -> Result<Found, Refused> {
    let tenant = tenant_of(parts)?;
    if let Presented::Cookie(_) = presented {
        same_origin(parts)?;
    }
    let is_cookie = matches!(presented, Presented::Cookie(_));
    match known(layer, presented, tenant).await {
        Ok(known) => Ok(Found::Somebody(Box::new(known))),
        Err(Reject::Missing) => Ok(Found::Nobody(Reject::Missing)),
        // A browser keeps sending the cookie of a session that is over, also to sign in again.
        Err(Reject::Revoked) if is_cookie => Ok(Found::Nobody(Reject::Revoked)),
        Err(reject) => Err(reject.into()),
    }
}

/// The tenant of the request, if it has one.
fn tenant_of(parts: &Parts) -> Result<Option<TenantId>, Refused> {
    match parts.extensions.get::<ResolvedTenant>() {
        Some(tenant) => Ok(Some(tenant.id)),
        // Without either mark no layer has looked, which must not read as "no tenant".
        None if parts.extensions.get::<NoScope>().is_some() => Ok(None),
        None => Err(Refused::TenantLayerMissing),
    }
}

/// Tells the rest of the application. What was there before, from whomever, does not stay.
fn put(layer: &AuthenticateLayer, parts: &mut Parts, found: Found) {
    let realm = layer.0.realm.clone();
    let extensions = &mut parts.extensions;
    match found {
        Found::Somebody(known) => {
            let Known { principal, staff } = *known;
            if let Some(scope) = extensions.remove::<Scope>() {
                extensions.insert(scope.acting_as(principal.actor()));
            }
            if let Some(staff) = staff {
                extensions.insert(staff);
            }
            extensions.insert(principal);
        }
        Found::Nobody(reject) => {
            extensions.insert(Unauthenticated::new(realm.refuse(reject)));
        }
    }
    extensions.insert(realm);
}
