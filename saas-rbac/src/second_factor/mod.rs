//! A second factor: codes of an authenticator app ([RFC 6238]), and recovery codes for its loss.
//!
//! 1. To [`enrol`](SecondFactors::enrol) makes a secret, which counts once a first code was shown
//!    ([`confirm`](SecondFactors::confirm)). The secret is sealed; the ten recovery codes are hashed
//!    and shown once.
//! 2. A code is good once: the time step of the last one that was taken is kept, and the statement
//!    that moves it forward is the one that decides. The code that confirmed counts, too.
//! 3. A code of the step before or after counts, for clocks that differ.
//! 4. To end it takes the password or a code.
//!
//! ```no_run
//! # async fn run(
//! #     factors: saas_rbac::second_factor::SecondFactors,
//! #     user: saas_rbac::user::User,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let enrolment = factors.enrol(&user).await?;
//! // Show `enrolment.url` as a QR code, and ask for the code that the app shows then.
//! let recovery_codes = factors.confirm(user.id, &"123456".into()).await?;
//! assert_eq!(recovery_codes.len(), 10);
//! # Ok(())
//! # }
//! ```
//!
//! [RFC 6238]: https://www.rfc-editor.org/rfc/rfc6238

mod codes;
mod store;

use http::StatusCode;
use saas_core::Problem;
use saas_tenancy::TenancyError;
use secrecy::SecretString;

use crate::{outage, seal::SealError};

pub use store::SecondFactors;
pub(crate) use store::{Shown, remove_in, take};

/// What somebody shows beside their password.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The six digits of the authenticator app.
    Code(SecretString),
    /// One of the recovery codes.
    Recovery(SecretString),
}

/// A secret for an authenticator app, shown once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Enrolment {
    /// To type in.
    pub secret: SecretString,
    /// To show as a QR code: `otpauth://…`.
    pub url: SecretString,
}

/// What can go wrong with second factors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// There is one already.
    #[error("a second factor is set up already; remove it first")]
    AlreadySetUp,
    /// There is none.
    #[error("no second factor is set up")]
    NotSetUp,
    /// The code, or the password, is wrong or was used.
    #[error("the code is not valid or was used already; wait for the next one and try again")]
    WrongCode,
    /// Too many codes were wrong.
    #[error("too many codes were wrong; try again later")]
    Throttled {
        /// How long to wait.
        retry_after: std::time::Duration,
    },
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("second factors cannot be looked up")]
    Unavailable(#[from] TenancyError),
    /// The secret cannot be sealed or opened. The cause is logged and never sent.
    #[error("the secret of a second factor cannot be read")]
    Sealed(#[from] SealError),
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        let (status, code) = match &error {
            SecondFactorError::AlreadySetUp => (StatusCode::CONFLICT, "second_factor_exists"),
            SecondFactorError::NotSetUp => (StatusCode::NOT_FOUND, "second_factor_missing"),
            SecondFactorError::WrongCode => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_code"),
            SecondFactorError::Throttled { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts")
            }
            SecondFactorError::Sealed(SealError::Refused) => return Self::internal(error),
            SecondFactorError::Unavailable(_) | SecondFactorError::Sealed(_) => {
                return outage::problem(error);
            }
        };
        Self::new(status, code).with_detail(error.to_string())
    }
}
