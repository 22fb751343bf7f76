use saas_core::{Problem, auth::Reject};

use crate::error::AccessError;

/// Why a key does not let in, or was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The text is no key of this application: other prefix, wrong check digits.
    #[error("the text is no api key of this application")]
    Malformed,
    /// There is no such key, or the secret is wrong.
    #[error("there is no such api key")]
    Unknown,
    /// Its time is over.
    #[error("the api key has expired")]
    Expired,
    /// It was revoked.
    #[error("the api key was revoked")]
    Revoked,
    /// The person it acts for has left the tenant or is disabled.
    #[error("the owner of the api key does not belong to the tenant any more")]
    OwnerGone,
    /// The change is refused, or the database cannot be asked.
    #[error("the api key cannot be used or changed")]
    Access(#[from] AccessError),
}

impl ApiKeyError {
    /// How a request with this key is refused. Keys that are no good look the same.
    #[must_use]
    pub fn reject(self) -> Reject {
        match self {
            Self::Access(error) => Reject::Unavailable(error.into()),
            _ => Reject::Revoked,
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Access(error) => error.into(),
            other => other.reject().into(),
        }
    }
}
