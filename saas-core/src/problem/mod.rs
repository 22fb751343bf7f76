//! Errors as the client sees them: problem documents of [RFC 9457].
//!
//! 1. Every error of the application leaves as a [`Problem`] with a stable [`code`](Problem::code)
//!    that programs may rely on and a `detail` for people.
//! 2. A problem of the server's own (5xx) never carries its cause: the body is generic, the cause
//!    travels in the response's extensions and is logged once by [`ProblemLayer`].
//! 3. [`ProblemLayer`], the outermost layer, adds the request id and gives the same shape to the
//!    bare answers of routers and other layers (404, 405, 413, …).
//!
//! ```
//! use http::StatusCode;
//! use saas_core::Problem;
//!
//! let problem = Problem::new(StatusCode::CONFLICT, "email_taken")
//!     .with_detail("a member with this address exists already");
//! assert_eq!(serde_json::to_value(&problem)?["status"], 409);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

use std::{borrow::Cow, fmt, sync::Arc};

use http::StatusCode;
use serde::Serialize;

use crate::{BoxError, RequestId};

#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "axum")]
mod response;

#[cfg(feature = "axum")]
pub use layer::{ProblemLayer, ProblemService, ResponseFuture};

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// An error as the client sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    #[serde(serialize_with = "status_number")]
    status: StatusCode,
    code: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, as the client wrote it; nested ones are joined by dots.
    pub field: Cow<'static, str>,
    /// What is wrong, for programs: `required`, `too_long`.
    pub code: Cow<'static, str>,
    /// What is wrong and what would be right, for people.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// An error of `field`.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), code: code.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A problem with the title that `status` has in HTTP.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
            status,
            code: code.into(),
            detail: None,
            request_id: None,
            errors: Vec::new(),
            source: None,
        }
    }

    /// The server failed because of `source`, which is logged and never sent.
    #[must_use]
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
            .with_detail("something went wrong on our side; nothing was changed")
            .with_source(source)
    }

    /// The input was understood, and these fields of it are wrong.
    #[must_use]
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed")
            .with_detail("some fields are not valid; see `errors`");
        Self { errors, ..problem }
    }

    /// Says what happened and what to do.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Keeps the cause for the log. It is never sent.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        Self { source: Some(Arc::from(source.into())), ..self }
    }

    /// Names the request, so that support can find it in the log.
    #[must_use]
    pub fn with_request_id(self, id: RequestId) -> Self {
        Self { request_id: Some(id), ..self }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name of the problem.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What is wrong with single fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields out by reference")]
fn status_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
