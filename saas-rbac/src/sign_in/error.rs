use std::time::Duration;

use http::StatusCode;
use saas_core::{Problem, SessionId, TenantId, UserId};
use saas_tenancy::TenancyError;

use crate::{
    one_time::TokenRefused,
    outage,
    password::{PasswordError, PasswordRefused},
    second_factor::SecondFactorError,
    throttle::TooMany,
    token::TokenError,
};

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Something about the address, the password or the second factor is wrong, or the account is
    /// disabled. Nobody is told which.
    #[error("the address or the password is wrong")]
    InvalidCredentials,
    /// The password is right, and there is a second factor.
    #[error("enter the code of your authenticator app, or a recovery code")]
    SecondFactorRequired,
    /// Too many attempts failed.
    #[error("too many attempts failed; try again later")]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The person does not belong to this tenant.
    #[error("you do not belong to this workspace; ask its owner for an invitation")]
    NotAMember,
    /// The session is over, or is one in which somebody acts for the person.
    #[error("the session is over; sign in again")]
    SessionOver,
    /// The new password is not taken.
    #[error("{0}")]
    PasswordRefused(PasswordRefused),
    /// Too many sign in at this moment, or the password cannot be hashed.
    #[error("the password cannot be compared")]
    Password(#[from] PasswordError),
    /// The second factor cannot be looked at. The cause is logged and never sent.
    #[error("the second factor cannot be compared")]
    SecondFactor(#[source] SecondFactorError),
    /// No token can be made. The cause is logged and never sent.
    #[error("no token can be made for the session")]
    Token(#[from] TokenError),
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("sign-in is not available")]
    Unavailable(#[from] TenancyError),
}

impl SignInError {
    /// How long to wait before the next attempt, if that is why.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether somebody has guessed wrong.
    pub(super) const fn is_a_failure(&self) -> bool {
        matches!(self, Self::InvalidCredentials | Self::Throttled { .. })
    }
}

impl From<TooMany> for SignInError {
    fn from(wait: TooMany) -> Self {
        Self::Throttled { retry_after: wait.retry_after }
    }
}

impl From<SecondFactorError> for SignInError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Throttled { retry_after } => Self::Throttled { retry_after },
            SecondFactorError::WrongCode | SecondFactorError::NotSetUp => Self::InvalidCredentials,
            SecondFactorError::Unavailable(error) => Self::Unavailable(error),
            other => Self::SecondFactor(other),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        use SignInError as E;
        let (status, code) = match error {
            E::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials"),
            E::SecondFactorRequired => (StatusCode::UNAUTHORIZED, "second_factor_required"),
            E::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"),
            E::NotAMember => (StatusCode::FORBIDDEN, "not_a_member"),
            E::SessionOver => (StatusCode::UNAUTHORIZED, "session_over"),
            E::PasswordRefused(refused) => {
                return Self::validation(vec![refused.in_field("password")]);
            }
            E::Password(error) => return error.into(),
            E::SecondFactor(error) => return error.into(),
            E::Token(error) => return error.into(),
            E::Unavailable(_) => return outage::problem(error),
        };
        Self::new(status, code).with_detail(error.to_string())
    }
}

/// Why a session does not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The token is none, or its session is over.
    #[error("the refresh token is not valid; sign in again")]
    InvalidGrant,
    /// The token was used before: somebody has a copy. The session was ended. It looks like
    /// [`InvalidGrant`](Self::InvalidGrant) from outside; write it into the audit log.
    #[error("the refresh token is not valid; sign in again")]
    Reused {
        /// Whose session.
        user: UserId,
        /// Which one.
        session: SessionId,
        /// The tenant it was bound to.
        tenant: Option<TenantId>,
    },
    /// No token can be made. The cause is logged and never sent.
    #[error("no token can be made for the session")]
    Token(#[from] TokenError),
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("sessions cannot be looked up")]
    Unavailable(#[from] TenancyError),
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidGrant | RefreshError::Reused { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_grant").with_detail(error.to_string())
            }
            RefreshError::Token(error) => error.into(),
            RefreshError::Unavailable(_) => outage::problem(error),
        }
    }
}

/// Why a password is not reset, or an address not proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The link is not taken.
    #[error("{0}")]
    Refused(TokenRefused),
    /// The new password is not taken. The link stays good.
    #[error("{0}")]
    PasswordRefused(PasswordRefused),
    /// Too many mails were asked for.
    #[error("too many mails were asked for; look into your mailbox, or try again later")]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Too many sign in at this moment, or the password cannot be hashed.
    #[error("the password cannot be hashed")]
    Password(#[from] PasswordError),
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("links cannot be looked up")]
    Unavailable(#[from] TenancyError),
}

impl RecoverError {
    /// How long to wait before the next attempt, if that is why.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl From<TokenRefused> for RecoverError {
    fn from(refused: TokenRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<PasswordRefused> for RecoverError {
    fn from(refused: PasswordRefused) -> Self {
        Self::PasswordRefused(refused)
    }
}

impl From<TooMany> for RecoverError {
    fn from(wait: TooMany) -> Self {
        Self::Throttled { retry_after: wait.retry_after }
    }
}

impl From<RecoverError> for Problem {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Refused(refused) => refused.into(),
            RecoverError::PasswordRefused(refused) => {
                Self::validation(vec![refused.in_field("password")])
            }
            RecoverError::Throttled { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts")
                    .with_detail(error.to_string())
            }
            RecoverError::Password(error) => error.into(),
            RecoverError::Unavailable(_) => outage::problem(error),
        }
    }
}

#[cfg(feature = "axum")]
mod response {
    use axum_core::response::{IntoResponse, Response};

    use super::{RecoverError, RefreshError, SignInError, outage};

    impl IntoResponse for SignInError {
        fn into_response(self) -> Response {
            let wait = self.retry_after();
            outage::respond(self.into(), wait)
        }
    }

    impl IntoResponse for RefreshError {
        fn into_response(self) -> Response {
            outage::respond(self.into(), None)
        }
    }

    impl IntoResponse for RecoverError {
        fn into_response(self) -> Response {
            let wait = self.retry_after();
            outage::respond(self.into(), wait)
        }
    }
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::*;
    use axum_core::response::IntoResponse;
    use http::header::RETRY_AFTER;

    #[test]
    fn whoever_is_to_wait_is_told_how_long() {
        let waits = SignInError::Throttled { retry_after: Duration::from_secs(8) }.into_response();
        assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(waits.headers()[RETRY_AFTER], "8");
        let busy = SignInError::Password(PasswordError::Busy).into_response();
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers()[RETRY_AFTER], "1");
        let wrong = SignInError::InvalidCredentials.into_response();
        assert!(!wrong.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_token_that_was_used_twice_looks_like_any_other_that_is_not_valid() {
        let clock = saas_core::Clock::system();
        let (user, session) = (UserId::generate(&clock), SessionId::generate(&clock));
        let reused = Problem::from(RefreshError::Reused { user, session, tenant: None });
        let other = Problem::from(RefreshError::InvalidGrant);
        assert_eq!(serde_json::to_value(&reused).unwrap(), serde_json::to_value(&other).unwrap(),);
    }
}
