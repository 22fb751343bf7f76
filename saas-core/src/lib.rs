//! The words that every crate of the family shares, and nothing else.
//!
//! A request belongs to a [`Scope`]: which tenant, who acts, under which request id. Time comes
//! from a [`Clock`], failures leave as a [`Problem`], settings are read through [`config::Env`],
//! and what happened is told as an [`Event`] or an [`AuditEntry`]. What somebody may do is a set of
//! [permissions](permission).
//!
//! ```
//! use saas_core::{Actor, Clock, RequestId, Scope, TenantId};
//!
//! let clock = Clock::system();
//! let scope = Scope::new(
//!     TenantId::generate(&clock),
//!     Actor::Anonymous,
//!     RequestId::generate(&clock),
//! );
//! assert_eq!(scope.actor(), &Actor::Anonymous);
//! ```
//!
//! The crate has no SQL and no other crate of the family in its dependencies.
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` (default) | [`Problem`] as a response, [`problem::ProblemLayer`], [`Scope`] as an extractor |
//! | `auth` | `auth`: access tokens, the strict verifier, the principal |

pub mod audit;
#[cfg(feature = "auth")]
pub mod auth;
pub mod clock;
pub mod config;
pub mod event;
#[cfg(feature = "axum")]
mod extract;
pub mod id;
pub mod permission;
pub mod problem;
pub mod scope;

pub use audit::AuditEntry;
pub use clock::Clock;
pub use event::{Event, EventSink};
pub use id::{ApiKeyId, RequestId, SessionId, TenantId, UserId};
pub use problem::Problem;
pub use scope::{Actor, Scope};

/// Any error, kept as the source of a typed one.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
