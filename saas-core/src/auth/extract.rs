use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{Principal, Refusal};
use crate::Problem;

/// Nobody has signed in: the answer to a handler that asks who did.
///
/// The layer that authenticates puts this, or a [`Principal`], into the extensions of a request. A
/// request with neither has not been through such a layer.
#[derive(Debug, Clone)]
pub struct Unauthenticated(Refusal);

impl Unauthenticated {
    /// Asking for the principal is answered with `refusal`.
    #[must_use]
    pub const fn new(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// Who asks, as the layer that authenticates has established it.
///
/// # Errors
/// The answer of [`Unauthenticated`] if nobody has signed in, and an internal problem if no layer
/// has asked who it is.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        if let Some(principal) = parts.extensions.get::<Self>() {
            return Ok(principal.clone());
        }
        Err(match parts.extensions.get::<Unauthenticated>() {
            Some(Unauthenticated(refusal)) => refusal.clone(),
            None => layer_missing(),
        })
    }
}

/// Who asks, if anybody has signed in.
///
/// # Errors
/// An internal problem if no layer has asked who it is.
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Refusal> {
        if let Some(principal) = parts.extensions.get::<Self>() {
            return Ok(Some(principal.clone()));
        }
        let asked = parts.extensions.get::<Unauthenticated>().is_some();
        if asked { Ok(None) } else { Err(layer_missing()) }
    }
}

fn layer_missing() -> Refusal {
    Problem::internal("cannot extract `Principal`: add the layer that authenticates to this router")
        .into()
}
