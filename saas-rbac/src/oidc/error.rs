use http::StatusCode;
use saas_core::{BoxError, Problem};
use saas_tenancy::TenancyError;

use crate::{outage, seal::SealError};

/// Why nobody came back from a provider, or nobody was sent there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The address of a provider is not one that may be asked.
    #[error("the address of the provider is not taken: {0}")]
    Address(&'static str),
    /// The provider does not answer, or says that it cannot. The cause is logged and never sent.
    #[error("the provider cannot be asked")]
    Unavailable(#[source] BoxError),
    /// The provider answers something else than the standard says.
    #[error("the answer of the provider is not usable: {0}")]
    BadAnswer(&'static str),
    /// The provider calls itself otherwise than it was called.
    #[error("the provider names another issuer; write it as its discovery document does")]
    IssuerMismatch,
    /// The provider cannot do what is needed.
    #[error("the provider does not support {0}")]
    Unsupported(&'static str),
    /// This browser has not begun to sign in, or the cookie was changed.
    #[error("this browser has not begun to sign in")]
    NotBegun,
    /// It has begun more than ten minutes ago.
    #[error("signing in took too long")]
    TooLate,
    /// The answer is not the one to this browser's attempt.
    #[error("the answer belongs to another attempt")]
    State,
    /// The answer cannot be read.
    #[error("the answer is malformed")]
    Callback,
    /// The answer comes from another provider than the one that was asked.
    #[error("the answer comes from another provider")]
    ResponseIssuer,
    /// The provider, or the person there, has refused.
    #[error("the provider refused")]
    Denied,
    /// The provider does not take the code: it was used, has expired, or is another client's.
    #[error("the provider does not take the code")]
    Code,
    /// The ID token is not taken.
    #[error("the ID token is not taken: {0}")]
    IdToken(#[from] IdTokenRefused),
    /// There is no such connection, or not here.
    #[error("there is no such connection here")]
    NoConnection,
    /// What is sealed cannot be sealed or opened. The cause is logged and never sent.
    #[error("the connection cannot be used")]
    Seal(#[source] SealError),
    /// The machine gave no random bytes.
    #[error("no random bytes are to be had")]
    Random,
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("connections cannot be looked up")]
    Database(#[from] TenancyError),
}

/// What is wrong with an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenRefused {
    /// It is longer than 16 KiB.
    #[error("it is too long")]
    TooLong,
    /// It does not have three parts of base64url.
    #[error("it is no signed token")]
    Malformed,
    /// Its header is none, or asks for something that is not understood.
    #[error("its header is not usable")]
    Header,
    /// It is signed with an algorithm that the provider has not announced, or that is not taken.
    #[error("its algorithm is not taken")]
    Algorithm,
    /// The provider has no such key for this algorithm.
    #[error("its key is unknown")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing or of another type.
    #[error("a claim is missing or malformed")]
    Claims,
    /// It comes from another issuer.
    #[error("its issuer is another")]
    Issuer,
    /// It is for another client.
    #[error("it is for another client")]
    Audience,
    /// It is for several clients, and was not issued to this one.
    #[error("it was issued to another client")]
    AuthorizedParty,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It was issued in the future, or too long ago for an answer.
    #[error("it was not issued just now")]
    IssuedAt,
    /// It answers another attempt.
    #[error("its nonce is another")]
    Nonce,
    /// The access token beside it is another.
    #[error("it belongs to another access token")]
    AccessToken,
    /// The subject is empty or too long, or another one than that of the user information.
    #[error("its subject is not usable")]
    Subject,
}

impl OidcError {
    /// A word that stays the same, for logs, metrics and alerts.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Unavailable(_) => "provider_unavailable",
            Self::BadAnswer(_) => "bad_answer",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::Unsupported(_) => "unsupported",
            Self::NotBegun => "not_begun",
            Self::TooLate => "too_late",
            Self::State => "state",
            Self::Callback => "callback",
            Self::ResponseIssuer => "response_issuer",
            Self::Denied => "denied",
            Self::Code => "code",
            Self::IdToken(refused) => refused.reason(),
            Self::NoConnection => "no_connection",
            Self::Seal(_) => "seal",
            Self::Random => "random",
            Self::Database(_) => "database",
        }
    }

    /// Whether it may go better in a moment.
    const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Database(_)
                | Self::Random
                | Self::Seal(SealError::Unavailable(_))
        )
    }
}

impl IdTokenRefused {
    /// A word that stays the same, for logs, metrics and alerts.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "id_token_too_long",
            Self::Malformed => "id_token_malformed",
            Self::Header => "id_token_header",
            Self::Algorithm => "id_token_algorithm",
            Self::UnknownKey => "id_token_unknown_key",
            Self::Signature => "id_token_signature",
            Self::Claims => "id_token_claims",
            Self::Issuer => "id_token_issuer",
            Self::Audience => "id_token_audience",
            Self::AuthorizedParty => "id_token_authorized_party",
            Self::Expired => "id_token_expired",
            Self::IssuedAt => "id_token_issued_at",
            Self::Nonce => "id_token_nonce",
            Self::AccessToken => "id_token_access_token",
            Self::Subject => "id_token_subject",
        }
    }
}

/// The client learns whether it may try again, and nothing more.
impl From<OidcError> for Problem {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::NoConnection => Self::new(StatusCode::NOT_FOUND, "not_found")
                .with_detail("there is no such connection"),
            error if error.is_outage() => outage::problem(error),
            error => Self::new(StatusCode::UNAUTHORIZED, "sign_in_failed")
                .with_detail("signing in did not work; begin again")
                .with_source(error),
        }
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for OidcError {
    fn into_response(self) -> axum_core::response::Response {
        outage::respond(self.into(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_does_not_learn_what_was_wrong() {
        let shown = |error: OidcError| Problem::from(error).to_string();
        let one = shown(OidcError::State);
        for other in [
            OidcError::IdToken(IdTokenRefused::Signature),
            OidcError::IdToken(IdTokenRefused::Expired),
            OidcError::ResponseIssuer,
            OidcError::Code,
            OidcError::Address("it is not a public address"),
        ] {
            assert_eq!(shown(other), one);
        }
        assert_eq!(Problem::from(OidcError::State).code(), "sign_in_failed");
    }

    #[test]
    fn a_provider_that_is_down_is_503() {
        let problem = Problem::from(OidcError::Unavailable("connection refused".into()));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
