//! Failures of a handler, as the client sees them.

use axum::response::{IntoResponse, Response};
use saas_core::Problem;
use saas_tenancy::TenancyError;

/// What a handler fails with: a [`Problem`], made from whatever went wrong.
#[derive(Debug)]
pub struct AppError(Problem);

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<TenancyError> for AppError {
    fn from(error: TenancyError) -> Self {
        Self(error.into())
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self(TenancyError::from(error).into())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
