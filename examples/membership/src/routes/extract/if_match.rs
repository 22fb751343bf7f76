use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use saas_core::Problem;
use serde::Serialize;

use crate::{error::AppError, version::Expected};

/// How many versions `If-Match` can name.
const MAX_TAGS: usize = 100;

/// The versions that a change may be made to, from the header `If-Match`.
///
/// Required as it stands; as `Option<IfMatch>` it may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(pub Expected);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        read(&parts.headers)?.map(Self).ok_or_else(|| {
            Problem::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required")
                .with_detail(
                    "send `If-Match` with the `ETag` of what you read, or `*` to overwrite",
                )
                .into()
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AppError> {
        Ok(read(&parts.headers)?.map(Self))
    }
}

fn read(headers: &HeaderMap) -> Result<Option<Expected>, AppError> {
    let mut versions = Vec::new();
    let mut any = None;
    let mut count = 0;
    for value in headers.get_all(header::IF_MATCH) {
        let text = value.to_str().map_err(|_| malformed())?;
        for tag in text.split(',').map(str::trim) {
            count += 1;
            if tag == "*" {
                any = Some(Expected::Any);
            } else if !is_tag(tag) || count > MAX_TAGS {
                return Err(malformed());
            } else if let Ok(version) = tag.trim_matches('"').parse() {
                versions.push(version);
            }
            // Other tags, weak ones among them, are valid and match no version of ours.
        }
    }
    Ok(match (count, any) {
        (0, _) => None,
        (1, Some(any)) => Some(any),
        (_, Some(_)) => return Err(malformed()),
        (_, None) => Some(Expected::OneOf(versions)),
    })
}

/// Whether a text is an entity tag: something in double quotes, perhaps with `W/` in front.
fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.contains('"'))
}

fn malformed() -> AppError {
    Problem::new(StatusCode::BAD_REQUEST, "bad_if_match")
        .with_detail("`If-Match` must be an `ETag` in double quotes, such as `\"3\"`, or `*`")
        .into()
}

/// The `ETag` of a version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// A body with the `ETag` of its version.
#[derive(Debug)]
pub struct Tagged<T> {
    /// The version.
    pub version: i64,
    /// What is sent.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if let Ok(value) = HeaderValue::try_from(etag(self.version)) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Option<Expected>, StatusCode> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        read(&headers).map_err(|error| error.problem().status())
    }

    #[test]
    fn a_star_allows_any_version_and_a_tag_its_own() {
        assert_eq!(of(&["*"]), Ok(Some(Expected::Any)));
        assert_eq!(of(&["\"3\""]), Ok(Some(Expected::OneOf(vec![3]))));
        assert_eq!(of(&["\"3\", \"4\"", "\"5\""]), Ok(Some(Expected::OneOf(vec![3, 4, 5]))));
        assert_eq!(of(&[]), Ok(None));
    }

    #[test]
    fn weak_and_foreign_tags_match_nothing() {
        for tag in ["W/\"3\"", "\"abc\"", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(of(&[tag]), Ok(Some(Expected::OneOf(vec![]))), "{tag}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for tag in ["3", "\"3", "'3'", "", "*, \"3\"", "\"3\",", "\"a\"b\""] {
            assert_eq!(of(&[tag]), Err(StatusCode::BAD_REQUEST), "{tag}");
        }
        let many = vec!["\"1\""; MAX_TAGS + 1].join(",");
        assert_eq!(of(&[&many]), Err(StatusCode::BAD_REQUEST));
    }
}
