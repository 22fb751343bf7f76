use std::{fmt, time::Duration};

use secrecy::SecretString;

use crate::{session::Session, token::TokenPair, user::User};

/// Somebody is signed in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The new session.
    pub session: Session,
    /// What the device shows from now on.
    pub credential: Credential,
}

/// What a device shows to be known again.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// The value of a cookie.
    Cookie(SecretString),
    /// Tokens.
    Tokens(TokenPair),
}

/// A session goes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refreshed {
    /// Which one.
    pub session: Session,
    /// What the device shows from now on.
    pub tokens: TokenPair,
}

/// A token without one to get the next with.
#[derive(Clone)]
#[non_exhaustive]
pub struct AccessToken {
    /// Goes with every request.
    pub token: SecretString,
    /// How long it is good.
    pub expires_in: Duration,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cookie(_) => "Cookie(…)",
            Self::Tokens(_) => "Tokens(…)",
        })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
