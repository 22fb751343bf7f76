use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::{StatusCode, request::Parts};
use saas_core::Problem;

use crate::error::AppError;

/// How long the text of an id is.
const LENGTH: usize = 36;

/// The id at the end of a path. A text that is no id is at no address: 404.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        // Ids have other spellings, with braces or without hyphens; one address is enough.
        text.filter(|text| text.len() == LENGTH)
            .and_then(|text| text.parse().ok())
            .map(Self)
            .ok_or_else(|| {
                Problem::new(StatusCode::NOT_FOUND, "not_found")
                    .with_detail("there is nothing at this address")
                    .into()
            })
    }
}
