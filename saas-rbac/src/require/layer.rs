use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum_core::response::{IntoResponse, Response};
use http::{Request, request::Parts};
use saas_core::{
    Clock, Problem,
    auth::{Principal, Refusal, Reject},
    permission::Permission,
};
use tower_layer::Layer;
use tower_service::Service;

use super::{Permissions, extract, staff::SuperAdmin};
use crate::{
    error::AccessError,
    rules::{Need, Rule},
};

/// Lets a request pass that satisfies a [`Rule`]. See the [module docs](super).
///
/// It goes inside the layer that authenticates. It has no type parameter: the permission is a value
/// by then.
#[derive(Debug, Clone)]
#[must_use]
pub struct RequireLayer {
    rule: Arc<Rule>,
    clock: Clock,
}

impl RequireLayer {
    /// Requires `rule`. `clock` tells how long ago somebody proved who they are.
    pub fn new(rule: Rule, clock: Clock) -> Self {
        Self { rule: Arc::new(rule), clock }
    }

    /// Requires the permission `P`.
    pub fn of<P: Permission>() -> Self {
        Self::new(Rule::permission::<P>(), Clock::system())
    }

    /// Requires one of several permissions.
    pub fn any_of<T: Permissions>() -> Self {
        Self::new(Rule::any_of(T::LIST.iter().copied()), Clock::system())
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, layer: self.clone() }
    }
}

/// The service of [`RequireLayer`].
#[derive(Debug, Clone)]
pub struct Require<S> {
    inner: S,
    layer: RequireLayer,
}

impl<S, B> Service<Request<B>> for Require<S>
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
            match layer.admit(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}

impl RequireLayer {
    async fn admit(&self, parts: &mut Parts) -> Result<(), Refusal> {
        let principal = match self.rule.need() {
            Need::Public => return Ok(()),
            // Neither belongs to a tenant.
            Need::SignedIn | Need::SuperAdmin => {
                use axum_core::extract::FromRequestParts;
                Principal::from_request_parts(parts, &()).await?
            }
            Need::Permission(_) | Need::AnyOf(_) => extract::principal(parts).await?,
        };
        let refusal = self.refuse_need(parts, &principal);
        match refusal.or_else(|| self.refuse_age(parts, &principal)) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// The answer to somebody who is not who the rule asks for.
    fn refuse_need(&self, parts: &Parts, principal: &Principal) -> Option<Refusal> {
        match self.rule.need() {
            Need::Public | Need::SignedIn => None,
            Need::SuperAdmin => {
                let staff = parts.extensions.get::<SuperAdmin>();
                let is_it = staff.is_some_and(|staff| staff.user() == principal.user());
                (!is_it).then(|| Problem::from(AccessError::SuperAdminsOnly).into())
            }
            Need::Permission(_) | Need::AnyOf(_) => {
                let denied = self.rule.allows(principal.grants()).err()?;
                Some(extract::realm(parts).deny(denied))
            }
        }
    }

    /// The answer to somebody whose proof of identity is older than the rule allows.
    fn refuse_age(&self, parts: &Parts, principal: &Principal) -> Option<Refusal> {
        let max_age = self.rule.step_up()?;
        let age = (self.clock.now() - principal.authenticated_at()).to_std();
        // A time in the future is a clock that is a little behind.
        let is_fresh = age.unwrap_or_default() <= max_age && principal.session().is_some();
        let refuse = || Reject::StepUp { max_age: Some(max_age), acr: None };
        (!is_fresh).then(|| extract::realm(parts).refuse(refuse()))
    }
}
