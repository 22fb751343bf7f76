use std::time::Duration;

use http::StatusCode;

use crate::{BoxError, Problem};

/// Why a request is not let in as the one it claims to be from.
///
/// The text and [`reason`](Self::reason) are for logs and counters. What the client reads is the
/// [`Problem`] made from it, which tells an expired token from the rest and nothing more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// No credential was sent.
    #[error("the request has no credential")]
    Missing,
    /// There is more than one `Authorization` header.
    #[error("the request has more than one `Authorization` header")]
    RepeatedHeader,
    /// What follows `Bearer` is not one token.
    #[error("what follows `Bearer` is not one token")]
    MalformedHeader,
    /// The token is longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// It is not three parts of base64url.
    #[error("the token is not three parts of base64url")]
    Segments,
    /// The header is not exactly `typ`, `alg` and `kid`.
    #[error("the header of the token is not exactly `typ`, `alg` and `kid`")]
    Header,
    /// It is some other kind of token.
    #[error("the token is not of type `at+jwt`")]
    Type,
    /// No key has its `kid`.
    #[error("no key has the `kid` of the token")]
    UnknownKey,
    /// Its key is revoked, or the time in which it may be used is over.
    #[error("the key of the token is no longer in use")]
    RetiredKey,
    /// `alg` is not the algorithm of its key.
    #[error("the algorithm of the token is not that of its key")]
    Algorithm,
    /// The signature is not that of its key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// A claim is missing or of another type.
    #[error("a claim of the token is missing or of a wrong type")]
    Claims,
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// `nbf` or `iat` are in the future.
    #[error("the token is from the future")]
    NotYetValid,
    /// It claims to be older than its key.
    #[error("the token claims to be older than its key")]
    OlderThanKey,
    /// It would be valid for longer than any token of ours.
    #[error("the token would be valid for too long")]
    Lifetime,
    /// It was valid, and is no longer.
    #[error("the token has expired")]
    Expired,
    /// The session, the person or the key behind the credential was revoked or never was.
    #[error("what stands behind the credential is revoked or unknown")]
    Revoked,
    /// The credential belongs to another tenant than the one addressed.
    #[error("the credential is for another tenant")]
    TenantMismatch,
    /// The proof of identity is too old or too weak for this.
    #[error("the proof of identity is too old or too weak for this")]
    StepUp {
        /// How long ago the proof may be.
        max_age: Option<Duration>,
        /// Which strength is asked for: visible ASCII without quotes.
        acr: Option<&'static str>,
    },
    /// It cannot be decided now: the store behind it does not answer.
    #[error("the credential cannot be checked now")]
    Unavailable(#[source] BoxError),
}

/// What all clients may tell apart.
pub(super) enum Answer {
    Missing,
    InvalidRequest,
    InvalidToken,
    Expired,
    TenantMismatch,
    StepUp,
    Unavailable,
}

impl Reject {
    /// A short name for logs and the label of a counter. There are as many as variants.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::RepeatedHeader => "repeated_header",
            Self::MalformedHeader => "malformed_header",
            Self::TooLong => "too_long",
            Self::Segments => "segments",
            Self::Header => "header",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
            Self::RetiredKey => "retired_key",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::NotYetValid => "not_yet_valid",
            Self::OlderThanKey => "older_than_key",
            Self::Lifetime => "lifetime",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::TenantMismatch => "tenant_mismatch",
            Self::StepUp { .. } => "step_up",
            Self::Unavailable(_) => "unavailable",
        }
    }

    pub(super) const fn answer(&self) -> Answer {
        match self {
            Self::Missing => Answer::Missing,
            Self::RepeatedHeader | Self::MalformedHeader | Self::TooLong => Answer::InvalidRequest,
            Self::Expired => Answer::Expired,
            Self::TenantMismatch => Answer::TenantMismatch,
            Self::StepUp { .. } => Answer::StepUp,
            Self::Unavailable(_) => Answer::Unavailable,
            Self::Segments
            | Self::Header
            | Self::Type
            | Self::UnknownKey
            | Self::RetiredKey
            | Self::Algorithm
            | Self::Signature
            | Self::Claims
            | Self::Issuer
            | Self::Audience
            | Self::NotYetValid
            | Self::OlderThanKey
            | Self::Lifetime
            | Self::Revoked => Answer::InvalidToken,
        }
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Self {
        let (status, code, detail) = match reject.answer() {
            Answer::Missing => {
                (StatusCode::UNAUTHORIZED, "missing_credentials", "sign in to do this")
            }
            Answer::InvalidRequest => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send one `Authorization` header with `Bearer` and one token",
            ),
            Answer::InvalidToken => {
                (StatusCode::UNAUTHORIZED, "invalid_token", "the token is not valid; sign in again")
            }
            Answer::Expired => (
                StatusCode::UNAUTHORIZED,
                "token_expired",
                "the token has expired; refresh it or sign in again",
            ),
            Answer::TenantMismatch => (
                StatusCode::FORBIDDEN,
                "tenant_mismatch",
                "this credential is for another organisation; switch to this one first",
            ),
            Answer::StepUp => {
                (StatusCode::UNAUTHORIZED, "step_up_required", "prove again who you are to do this")
            }
            Answer::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "verifier_unavailable",
                "who you are cannot be checked now; try again in a moment",
            ),
        };
        Self::new(status, code).with_detail(detail).with_source(reject)
    }
}
