//! Access tokens and refresh tokens, and the keys that sign.
//!
//! 1. Access tokens are what [`saas_core::auth`] says, live ten minutes, and are signed by the key
//!    that is active.
//! 2. Keys are in the database with their private parts sealed, and go `next` → `active` → `retiring`
//!    → `revoked`. The next one is published before it signs, and one that has signed is published
//!    until the last of its tokens is over. [`SigningKeys`] keeps every process up to date; a revoked
//!    key counts nowhere any more within a second.
//! 3. A refresh token is good once, and its use makes the next one. The next one is derived from it
//!    with a key of the server, and so is the access token beside it: somebody who presents the same
//!    token twice within ten seconds, because an answer was lost or two tabs woke up at once, gets
//!    the same pair twice. Afterwards a second use ends the session.
//!
//! ```no_run
//! # async fn run(
//! #     databases: saas_tenancy::db::TenantDatabases,
//! #     seal: std::sync::Arc<dyn saas_rbac::seal::Seal>,
//! #     clock: saas_core::Clock,
//! #     url: secrecy::SecretString,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use saas_core::auth::StrictVerifier;
//! use saas_rbac::token::{Issuer, SigningKeys};
//! use saas_tenancy::store::ChangeListener;
//!
//! let issuer = Issuer::new("https://acme.example", "https://acme.example/api");
//! let (keys, changes) = SigningKeys::start(databases, seal, clock.clone(), &issuer).await?;
//! let listener = ChangeListener::spawn(url, changes);
//! let verifier = StrictVerifier::new(keys.key_set(), issuer.name(), issuer.audience(), clock);
//! # drop((listener, verifier));
//! # Ok(())
//! # }
//! ```

mod access;
mod keys;
mod refresh;

use std::{fmt, time::Duration};

use http::StatusCode;
use saas_core::{
    BoxError, Problem,
    auth::{KeyError, SignError},
};
use saas_tenancy::TenancyError;
use secrecy::SecretString;

use crate::{outage, seal::SealError};

pub use access::Issuer;
pub(crate) use access::{Proven, mint};
pub use keys::{KeyChanges, SigningKeys, Standing};
pub use refresh::RefreshKey;
pub(crate) use refresh::{Presented, Successor, first, succeed};

/// What a device gets: a token to use, and one to get the next with.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenPair {
    /// Goes with every request.
    pub access_token: SecretString,
    /// How long it is good.
    pub expires_in: Duration,
    /// Good once, for the next pair.
    pub refresh_token: SecretString,
    /// How long that is good.
    pub refresh_expires_in: Duration,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPair").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// What can go wrong with tokens and their keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no key with this id that could be revoked.
    #[error("there is no such key, or it is revoked already")]
    NoSuchKey,
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("signing keys cannot be looked up")]
    Unavailable(#[from] TenancyError),
    /// A private key cannot be sealed or opened. The cause is logged and never sent.
    #[error("a signing key cannot be read; was the key that seals it changed?")]
    Sealed(#[from] SealError),
    /// A stored key is damaged, or none can be made. The cause is logged and never sent.
    #[error("a signing key is not usable")]
    Key(#[from] KeyError),
    /// A token cannot be signed. The cause is logged and never sent.
    #[error("no access token can be made")]
    Sign(#[from] SignError),
    /// No random bytes. The cause is logged and never sent.
    #[error("no token can be made")]
    Random(#[source] BoxError),
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NoSuchKey => {
                Self::new(StatusCode::NOT_FOUND, "not_found").with_detail(error.to_string())
            }
            TokenError::Unavailable(_) | TokenError::Sealed(SealError::Unavailable(_)) => {
                outage::problem(error)
            }
            _ => Self::internal(error),
        }
    }
}
