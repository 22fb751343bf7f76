use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
};
use http::{HeaderMap, StatusCode, header};
use saas_core::{Problem, problem::FieldError};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::error::AppError;

/// How much of a message about the input is sent back.
const MAX_DETAIL: usize = 200;

/// How long a body may take to arrive: shorter than the time a request has, so that the answer
/// blames the client and not the server.
const ARRIVAL: Duration = Duration::from_secs(25);

/// A body of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        check_content_type(request.headers())?;
        parse(&read_body(request, state).await?).map(Self)
    }
}

/// The whole body, up to the limit of its route.
///
/// # Errors
/// A problem with status 413 if the body is larger, with 400 if it breaks off, with 408 if it does
/// not come.
pub async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, AppError> {
    read_within(ARRIVAL, request, state).await
}

async fn read_within<S: Send + Sync>(
    limit: Duration,
    request: Request,
    state: &S,
) -> Result<Bytes, AppError> {
    let refused = |rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large")
                .with_detail("the body is larger than allowed")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "unreadable_body")
            .with_detail("the body could not be read to its end"),
    };
    match tokio::time::timeout(limit, Bytes::from_request(request, state)).await {
        Ok(read) => read.map_err(|error| refused(error).into()),
        Err(_late) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout")
            .with_detail("the body did not arrive in time; send all of it, as long as you said")
            .into()),
    }
}

/// Whether the content type, its parameters aside, is `wanted`.
#[must_use]
pub fn content_type_is(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// # Errors
/// A problem with status 415 if the content type is not JSON.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), AppError> {
    if content_type_is(headers, "application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
        .with_detail("send `Content-Type: application/json`")
        .into())
}

/// # Errors
/// A problem with status 400 if the bytes are no JSON, with 422 if they are not of type `T`.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AppError> {
    // serde would take an array for an object, field by field.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| problem("", &error))?;
        let fault = FieldError::new("body", "invalid_type", "must be an object");
        return Err(Problem::validation(vec![fault]).into());
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| problem(&error.path().to_string(), error.inner()))?;
    json.end().map_err(|error| problem("", &error))?;
    Ok(value)
}

fn problem(path: &str, error: &serde_json::Error) -> AppError {
    if error.classify() == Category::Data {
        return Problem::validation(vec![fault(path, &message(error))]).into();
    }
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json")
        .with_detail(format!(
            "the body is not valid JSON: line {}, column {}",
            error.line(),
            error.column(),
        ))
        .into()
}

/// The message without the place, which the field tells better.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].chars().take(MAX_DETAIL).collect()
}

fn fault(path: &str, message: &str) -> FieldError {
    // `member_ids[3]` is `member_ids.3` to the client; a dot alone stands for the whole.
    let path = path.replace('[', ".").replace(']', "");
    let path = path.trim_matches('.');
    let (code, name) = if let Some(rest) = message.strip_prefix("unknown field `") {
        ("unknown_field", rest.split('`').next())
    } else if let Some(rest) = message.strip_prefix("missing field `") {
        ("required", rest.split('`').next())
    } else if let Some(rest) = message.strip_prefix("duplicate field `") {
        ("duplicate_field", rest.split('`').next())
    } else if message.starts_with("must ") {
        // A value of the right type, refused by its own parser.
        ("invalid_value", None)
    } else {
        ("invalid_type", None)
    };
    let field = match name {
        // The path of an unknown field ends with it already.
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None if path.is_empty() => "body".to_owned(),
        None => path.to_owned(),
    };
    let field: String = field.chars().take(MAX_DETAIL).collect();
    FieldError::new(field, code, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "read by serde only")]
        name: String,
        #[expect(dead_code, reason = "read by serde only")]
        ids: Option<Vec<u8>>,
        #[expect(dead_code, reason = "read by serde only")]
        inner: Option<Box<Self>>,
    }

    fn refusal(text: &[u8]) -> (u16, String, String) {
        let error = parse::<Body>(text).unwrap_err();
        let problem = error.problem();
        let fault = problem.errors().first();
        (
            problem.status().as_u16(),
            fault.map_or(String::new(), |fault| fault.field.to_string()),
            fault.map_or(problem.code().to_owned(), |fault| fault.code.to_string()),
        )
    }

    fn told(status: u16, field: &str, code: &str) -> (u16, String, String) {
        (status, field.to_owned(), code.to_owned())
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(refusal(b"{}"), told(422, "name", "required"));
        assert_eq!(refusal(b"{\"name\":1}"), told(422, "name", "invalid_type"));
        assert_eq!(refusal(b"{\"name\":null}"), told(422, "name", "invalid_type"));
        assert_eq!(refusal(b"{\"name\":\"a\",\"x\":1}"), told(422, "x", "unknown_field"));
        assert_eq!(
            refusal(b"{\"name\":\"a\",\"name\":\"a\"}"),
            told(422, "name", "duplicate_field")
        );
        assert_eq!(
            refusal(b"{\"name\":\"a\",\"ids\":[1,256]}"),
            told(422, "ids.1", "invalid_type")
        );
        assert_eq!(
            refusal(b"{\"name\":\"a\",\"inner\":{\"name\":\"b\",\"x\":1}}"),
            told(422, "inner.x", "unknown_field")
        );
        assert_eq!(refusal(b"{\"name\":\"a\",\"inner\":{}}"), told(422, "inner.name", "required"));
        assert_eq!(refusal(b"[1]"), told(422, "body", "invalid_type"));
        assert_eq!(refusal(b"null"), told(422, "body", "invalid_type"));
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in [
            &b""[..],
            b"{",
            b"{\"name\":\"a\"} x",
            b"{\"name\":\"\xff\"}",
            b"{\"name\":\"\\ud800\"}",
            b"{\"name\":\"a\nb\"}",
            b"{\"name\":1e999}",
            &[b'['; 100_000],
        ] {
            assert_eq!(refusal(text).0, 400, "{:?}", text.get(..20));
        }
    }

    #[test]
    fn the_answer_does_not_repeat_a_huge_input() {
        let text = format!("{{\"{}\":1}}", "x".repeat(100_000));
        let error = parse::<Body>(text.as_bytes()).unwrap_err();
        assert!(serde_json::to_string(error.problem()).unwrap().len() < 1000);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_the_clients_fault() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::new(axum::body::Body::from_stream(never));
        let error = read_within(Duration::ZERO, request, &()).await.unwrap_err();
        assert_eq!(error.problem().status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[test]
    fn the_content_type_may_have_parameters() {
        let is_json = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_content_type(&headers).is_ok()
        };
        assert!(is_json("application/json"));
        assert!(is_json("Application/JSON; charset=utf-8"));
        assert!(!is_json("text/plain"));
        assert!(!is_json("application/jsonp"));
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }
}
