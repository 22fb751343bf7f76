//! Who may do what: identity, sessions, roles, invitations, API keys.
//!
//! [`permissions!`] declares what there is to be allowed; see [`permission`].
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` (default) | layers, extractors and answers |
//! | `postgres` (default) | users, sessions, roles and keys in PostgreSQL |
//! | `oidc` | log-in with OpenID providers |
//! | `smtp` | mail by SMTP |
//! | `test-util` | the conformance suites that implementations of the crate's traits run |

pub mod mail;
#[cfg(feature = "postgres")]
pub mod one_time;
#[cfg(feature = "postgres")]
mod opaque;
#[cfg(feature = "postgres")]
mod outage;
pub mod password;
pub mod permission;
#[cfg(feature = "postgres")]
pub mod schema;
pub mod seal;
#[cfg(feature = "postgres")]
pub mod second_factor;
#[cfg(feature = "postgres")]
pub mod session;
#[cfg(feature = "postgres")]
pub mod sign_in;
#[cfg(feature = "postgres")]
pub mod throttle;
#[cfg(feature = "postgres")]
pub mod token;
#[cfg(feature = "postgres")]
pub mod user;
