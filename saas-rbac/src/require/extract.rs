//! Proofs as arguments of handlers.

use axum_core::extract::FromRequestParts;
use http::request::Parts;
use saas_core::{
    Scope,
    auth::{Principal, Realm, Refusal, Reject},
    permission::Permission,
};

use super::{
    granted::{Granted, NotGranted},
    owned::{Owned, OwnedBy},
    several::{All, Any, Permissions},
};

/// Who asks, in the tenant that the request is for.
pub(super) async fn principal(parts: &mut Parts) -> Result<Principal, Refusal> {
    let principal = Principal::from_request_parts(parts, &()).await?;
    let scope = parts.extensions.get::<Scope>();
    // The layers above refuse this already. A proof must not rest on their order.
    if scope.is_some_and(|scope| Some(scope.tenant()) != principal.tenant()) {
        return Err(realm(parts).refuse(Reject::TenantMismatch));
    }
    Ok(principal)
}

/// The realm that the layer that authenticates has put into the extensions, or the default one.
pub(super) fn realm(parts: &Parts) -> Realm {
    parts.extensions.get::<Realm>().cloned().unwrap_or_default()
}

/// The answer to somebody without the proof.
pub(super) fn refusal(parts: &Parts, error: NotGranted) -> Refusal {
    match error {
        NotGranted::Denied(denied) => realm(parts).deny(denied),
        NotGranted::OtherTenant => realm(parts).refuse(Reject::TenantMismatch),
    }
}

macro_rules! proofs {
    ($($(#[$doc:meta])* [$($bounds:tt)+] $proof:ty;)+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// 401 when nobody has signed in, 403 when they may not or have signed in elsewhere, 500
        /// when no layer has asked who it is.
        impl<S: Sync, $($bounds)+> FromRequestParts<S> for $proof {
            type Rejection = Refusal;

            async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
                let principal = principal(parts).await?;
                Self::of(&principal).map_err(|error| refusal(parts, error))
            }
        }
    )+};
}

proofs! {
    /// The proof of one permission.
    [P: Permission] Granted<P>;
    /// The proof of all of several permissions.
    [T: Permissions] All<T>;
    /// The proof of one of several permissions.
    [T: Permissions] Any<T>;
    /// How far a permission reaches.
    [P: Permission, R: Owned] OwnedBy<P, R>;
}
