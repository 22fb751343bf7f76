//! Failures of a handler, as the client sees them.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use saas_core::Problem;
use saas_rbac::{AccessError, require::NotGranted};
use saas_tenancy::{TenancyError, audit::AuditError};
use sqlx::error::DatabaseError;

/// What a handler fails with: a [`Problem`], made from whatever went wrong. Boxed, because it is
/// much larger than what handlers return when all goes well.
#[derive(Debug)]
pub struct AppError(Box<Problem>);

impl AppError {
    /// The problem as the client sees it.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<TenancyError> for AppError {
    fn from(error: TenancyError) -> Self {
        Problem::from(error).into()
    }
}

impl From<AccessError> for AppError {
    fn from(error: AccessError) -> Self {
        Problem::from(error).into()
    }
}

impl From<AuditError> for AppError {
    fn from(error: AuditError) -> Self {
        Problem::from(error).into()
    }
}

impl From<NotGranted> for AppError {
    fn from(error: NotGranted) -> Self {
        Problem::from(error).into()
    }
}

/// A statement that was given up, by its time limit or to end a deadlock, is no fault of the
/// server's: nothing was changed, and the client can do something about it.
impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = |code, detail: &'static str| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code).with_detail(detail)
        };
        let code = error.as_database_error().and_then(DatabaseError::code);
        let problem = match code.as_deref() {
            Some("57014") => {
                unavailable("too_slow", "this takes longer than allowed; ask for fewer rows")
            }
            Some("40001" | "40P01" | "55P03") => {
                unavailable("try_again", "other changes were in the way; repeat the request")
            }
            _ => return TenancyError::from(error).into(),
        };
        problem.with_source(error).into()
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
