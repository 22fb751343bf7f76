//! Signing in and out: the flows that tie people, passwords, sessions and tokens together.
//!
//! 1. Whatever is wrong with a credential has one answer: nobody learns from it whether the account
//!    exists, is disabled, or which part was wrong. It takes the same path, too, and one hash.
//! 2. An attempt is counted before it is made ([`throttle`](crate::throttle)).
//! 3. Every authentication makes a new session and ends the one that the device had.
//! 4. What a session rests on is looked at again in the transaction that makes it. A password that is
//!    reset, or a person who is disabled in the meantime, leaves nobody signed in.
//! 5. A session that is bound to a tenant stays bound; to act in another tenant takes another one.
//! 6. Whoever forgets the password gets a link by mail. That somebody asked for it is answered the same
//!    whether or not there is such a person.
//!
//! ```no_run
//! # async fn run(sign_in: saas_rbac::sign_in::SignIn) -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::session::Client;
//! use saas_rbac::sign_in::{Credential, LogIn, SignInError};
//!
//! let client = Client::at("192.0.2.7".parse()?).with_user_agent("curl/8.5");
//! let log_in = LogIn::new("ann@acme.test", "correct horse battery", client.clone());
//! match sign_in.log_in(log_in).await {
//!     Ok(signed_in) => {
//!         let Credential::Tokens(pair) = signed_in.credential else { return Ok(()) };
//!         let next = sign_in.refresh(&pair.refresh_token).await?;
//!         sign_in.log_out(next.session.user, next.session.id).await?;
//!     }
//!     Err(SignInError::SecondFactorRequired) => { /* ask for the code, and try again */ }
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
#[cfg(feature = "oidc")]
mod elsewhere;
mod error;
mod log_in;
mod open;
mod password;
mod recover;
mod refresh;
mod request;
mod verify_email;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use saas_core::Clock;
use saas_tenancy::db::TenantDatabases;

use crate::{
    mail::{Letters, Postbox},
    password::Passwords,
    second_factor::SecondFactors,
    session::SessionPolicy,
    throttle::Throttle,
    token::{Issuer, RefreshKey, SigningKeys},
};

pub use answer::{AccessToken, Credential, Refreshed, SignedIn};
#[cfg(feature = "oidc")]
pub(crate) use elsewhere::Elsewhere;
pub use error::{RecoverError, RefreshError, SignInError};
pub use request::{LogIn, Wanted};

/// What signing in is made of.
#[derive(Debug, Clone)]
pub struct SignInParts {
    /// Where people and sessions are.
    pub databases: TenantDatabases,
    /// Where the time comes from.
    pub clock: Clock,
    /// What hashes passwords.
    pub passwords: Passwords,
    /// The second factors.
    pub second_factors: SecondFactors,
    /// What counts attempts.
    pub throttle: Throttle,
    /// How long sessions last.
    pub policy: SessionPolicy,
    /// Who makes access tokens.
    pub issuer: Issuer,
    /// What signs them.
    pub keys: SigningKeys,
    /// What refresh tokens are derived with.
    pub refresh_key: RefreshKey,
    /// Where mail is left.
    pub postbox: Postbox,
    /// What mail says.
    pub letters: Letters,
    /// Where links in mail lead.
    pub links: Links,
}

/// Where links in mail lead: addresses to which the token is appended.
///
/// They are configured, never taken from a request, or anybody could have links to their own host sent
/// to others. Behind a `#` the token stays out of logs and referrers.
#[derive(Debug, Clone)]
pub struct Links {
    /// To choose another password: `https://acme.example/reset#token=`.
    pub reset_password: String,
    /// To prove an address: `https://acme.example/verify#token=`.
    pub verify_email: String,
}

/// Signs people in and out. Cheap to clone. See the [module](self) for the rules.
#[derive(Debug, Clone)]
pub struct SignIn(Arc<SignInParts>);

impl SignIn {
    /// Made of these parts.
    #[must_use]
    pub fn new(parts: SignInParts) -> Self {
        Self(Arc::new(parts))
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }
}
