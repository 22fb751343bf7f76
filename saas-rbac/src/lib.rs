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

#[cfg(feature = "postgres")]
pub mod acting;
#[cfg(feature = "postgres")]
pub mod api_key;
#[cfg(feature = "postgres")]
mod audit;
#[cfg(all(feature = "axum", feature = "postgres"))]
pub mod authenticate;
#[cfg(feature = "postgres")]
pub mod authorizer;
pub mod error;
pub mod explain;
#[cfg(feature = "postgres")]
pub mod impersonation;
#[cfg(feature = "postgres")]
pub mod invitation;
pub mod mail;
#[cfg(feature = "postgres")]
mod memory;
pub mod model;
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "postgres")]
pub mod one_time;
#[cfg(feature = "postgres")]
mod opaque;
#[cfg(feature = "postgres")]
pub mod operate;
#[cfg(feature = "postgres")]
mod outage;
pub mod password;
pub mod permission;
pub mod require;
#[cfg(feature = "postgres")]
pub mod role;
pub mod rules;
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
mod sql;
#[cfg(feature = "postgres")]
pub mod team;
#[cfg(feature = "postgres")]
pub mod throttle;
#[cfg(feature = "postgres")]
pub mod token;
#[cfg(feature = "postgres")]
pub mod user;

#[cfg(feature = "postgres")]
pub use acting::Acting;
#[cfg(feature = "postgres")]
pub use authorizer::{Authorizer, Member};
pub use error::AccessError;
pub use model::AccessModel;
