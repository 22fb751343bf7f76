use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{CONTENT_TYPE, Problem};

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A document of strings and numbers always serialises; an empty body would still be right.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(self);
        response
    }
}

/// The problem that a bare error answer of a router or a layer stands for.
pub(super) fn of_status(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::BAD_REQUEST => ("bad_request", "the request cannot be understood"),
        StatusCode::NOT_FOUND => ("not_found", "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "this address does not take that method; see `Allow`")
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            ("timeout", "the request took too long and was given up; try again")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("payload_too_large", "the body is larger than allowed"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "send `Content-Type: application/json`")
        }
        StatusCode::UNPROCESSABLE_ENTITY => ("validation_failed", "the request is not valid"),
        status if status.is_server_error() => {
            ("internal", "something went wrong on our side; nothing was changed")
        }
        _ => ("error", "the request was refused"),
    };
    Problem::new(status, code).with_detail(detail)
}
