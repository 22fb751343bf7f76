use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::{Problem, Scope, scope::NoScope};

/// The scope of the request, as the outermost layers have established it.
///
/// # Errors
/// The problem of [`NoScope`] if a layer left that instead, and an internal one if no layer has
/// looked for a tenant at all.
impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        if let Some(scope) = parts.extensions.get::<Self>() {
            return Ok(scope.clone());
        }
        Err(match parts.extensions.get::<NoScope>() {
            Some(none) => none.problem().clone(),
            None => Problem::internal("cannot extract `Scope`: add `TenantLayer` to this router"),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use http::{Request, StatusCode};

    use super::*;
    use crate::{Actor, Clock, RequestId, TenantId};

    async fn extract(prepare: impl FnOnce(&mut http::Extensions)) -> Result<Scope, Problem> {
        let (mut parts, ()) = Request::new(()).into_parts();
        prepare(&mut parts.extensions);
        Scope::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_scope_is_read_from_the_extensions() {
        let clock = Clock::system();
        let (tenant, request) = (TenantId::generate(&clock), RequestId::generate(&clock));
        let scope = Scope::new(tenant, Actor::Anonymous, request);
        let put = scope.clone();
        assert_eq!(extract(|extensions| drop(extensions.insert(put))).await.unwrap(), scope);
    }

    #[tokio::test]
    async fn a_layer_that_found_no_tenant_says_how_to_answer() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "tenant_not_found");
        let answer = extract(|extensions| drop(extensions.insert(NoScope::new(problem)))).await;
        assert_eq!(answer.unwrap_err().code(), "tenant_not_found");
    }

    #[tokio::test]
    async fn a_router_without_the_layer_is_told_to_add_it() {
        let problem = extract(|_| ()).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(problem.source().unwrap().to_string().contains("add `TenantLayer`"));
        assert!(!problem.to_string().contains("TenantLayer"));
    }
}
