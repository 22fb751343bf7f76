use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum_core::response::{IntoResponse, Response};
use http::{Request, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{CONTENT_TYPE, Problem, response};
use crate::{Clock, RequestId};

/// The header that carries the id of a request back to the client.
const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");

/// Gives every request an id and every error the shape of a [`Problem`]. Put it outermost.
///
/// The id is made here, never taken from the client, is found in the request's extensions as
/// [`RequestId`] and goes back as `x-request-id`. The cause of a 5xx answer is logged here, once.
#[derive(Debug, Clone)]
#[must_use]
pub struct ProblemLayer {
    clock: Clock,
}

impl ProblemLayer {
    /// Ids are stamped with the time of `clock`.
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl<S> Layer<S> for ProblemLayer {
    type Service = ProblemService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProblemService { inner, clock: self.clock.clone() }
    }
}

/// The service of [`ProblemLayer`].
#[derive(Debug, Clone)]
pub struct ProblemService<S> {
    inner: S,
    clock: Clock,
}

impl<S, B> Service<Request<B>> for ProblemService<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = RequestId::generate(&self.clock);
        request.extensions_mut().insert(id);
        ResponseFuture { inner: self.inner.call(request), id }
    }
}

pin_project! {
    /// The future of [`ProblemService`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        id: RequestId,
    }
}

impl<F, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(finish(response, *this.id)))
    }
}

/// Adds the request id, and the document where an error came without one.
fn finish(mut response: Response, id: RequestId) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let problem = match response.extensions_mut().remove::<Problem>() {
            Some(problem) => Some(problem),
            None if is_problem(&response) => None,
            None => Some(response::of_status(status)),
        };
        if let Some(problem) = problem {
            if status.is_server_error() {
                tracing::error!(
                    request.id = %id,
                    error = problem.source.as_deref().map(tracing::field::display),
                    "request failed: {}",
                    chain(&problem),
                );
            }
            response = replace_body(&response, problem.with_request_id(id));
        }
    }
    if let Ok(value) = header::HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == CONTENT_TYPE)
}

/// The document takes the place of the body; headers such as `Allow` or `Retry-After` stay.
fn replace_body(old: &Response, problem: Problem) -> Response {
    let mut response = problem.into_response();
    for (name, value) in old.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH | header::CACHE_CONTROL) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::to_bytes, routing::get};
    use http::StatusCode;
    use tower::ServiceExt;

    async fn answer(path: &str) -> (StatusCode, http::HeaderMap, serde_json::Value) {
        let app = Router::new()
            .route("/taken", get(|| async { Problem::new(StatusCode::CONFLICT, "email_taken") }))
            .route("/broken", get(|| async { Problem::internal("password=hunter2") }))
            .layer(ProblemLayer::new(Clock::system()));
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 4096).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_problem_carries_the_request_id_in_body_and_header() {
        let (status, headers, body) = answer("/taken").await;
        assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &"email_taken".into()));
        assert_eq!(headers[REQUEST_ID], body["request_id"].as_str().unwrap());
    }

    #[tokio::test]
    async fn the_cause_of_a_server_error_is_not_sent() {
        let (status, _, body) = answer("/broken").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn the_routers_own_404_becomes_a_problem() {
        let (_, headers, body) = answer("/nowhere").await;
        assert_eq!(headers[header::CONTENT_TYPE], CONTENT_TYPE);
        assert_eq!(body["code"], "not_found");
    }
}
