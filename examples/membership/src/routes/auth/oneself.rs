use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use saas_core::{Problem, SessionId, UserId, auth::Principal};

use super::Failed;

/// A person who has signed in themselves: no key acts, and nobody acts for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oneself {
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

impl<S: Sync> FromRequestParts<S> for Oneself {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let principal = Principal::from_request_parts(parts, state).await?;
        if principal.impersonator().is_some() {
            return Err(refused(
                "impersonation_forbidden",
                "only the person themselves may do this",
            ));
        }
        let session = principal.session();
        let session = session.ok_or_else(|| refused("session_required", "a key cannot do this"))?;
        Ok(Self { user: principal.user(), session })
    }
}

fn refused(code: &'static str, detail: &'static str) -> Failed {
    Problem::new(StatusCode::FORBIDDEN, code).with_detail(detail).into()
}
