use http::StatusCode;
use saas_core::{
    Problem,
    auth::{Realm, Refusal, Reject},
};

use super::CrossSite;

/// Why a request does not get further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// Its credential is not let in.
    #[error("the credential is refused")]
    Credential(#[from] Reject),
    /// It has a cookie and a token.
    #[error("the request has a session cookie and an `Authorization` header")]
    TwoCredentials,
    /// It has a cookie and comes from another site.
    #[error(transparent)]
    CrossSite(#[from] CrossSite),
    /// Nobody has looked for its tenant.
    #[error("cannot tell for which tenant a credential is: put `TenantLayer` around this layer")]
    TenantLayerMissing,
}

impl Refused {
    /// Its name as a label.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Credential(reject) => reject.reason(),
            Self::TwoCredentials => "two_credentials",
            Self::CrossSite(_) => "cross_site",
            Self::TenantLayerMissing => "misconfigured",
        }
    }

    /// The answer.
    pub(super) fn into_refusal(self, realm: &Realm) -> Refusal {
        match self {
            Self::Credential(reject) => realm.refuse(reject),
            Self::TwoCredentials => Problem::new(StatusCode::BAD_REQUEST, "invalid_request")
                .with_detail("send either the cookie or the `Authorization` header, not both")
                .into(),
            Self::CrossSite(error) => Problem::from(error).into(),
            Self::TenantLayerMissing => Problem::internal(self).into(),
        }
    }
}
