//! The answer while what decides about a credential cannot be asked: neither yes nor no.

use http::StatusCode;
use saas_core::Problem;
use saas_tenancy::TenancyError;

/// What a failure of the database looks like from outside.
pub(crate) fn problem(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    let busy = error
        .source()
        .and_then(|cause| cause.downcast_ref())
        .is_some_and(|cause| matches!(cause, TenancyError::Busy));
    let code = if busy { "busy" } else { "unavailable" };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code)
        .with_detail("this is not available at the moment; try again in a few seconds")
        .with_source(error)
}

/// A problem as a response, with the time to wait.
#[cfg(feature = "axum")]
pub(crate) fn respond(
    problem: Problem,
    retry_after: Option<std::time::Duration>,
) -> axum_core::response::Response {
    use axum_core::response::IntoResponse;
    let is_outage = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
    let wait = retry_after.or(is_outage.then_some(saas_tenancy::error::RETRY_AFTER));
    let mut response = problem.into_response();
    if let Some(wait) = wait {
        let seconds = http::HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    }
    response
}
