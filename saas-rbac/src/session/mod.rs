//! Sessions: one sign-in on one device.
//!
//! 1. A browser's session is a secret of 256 bits in a cookie, of which the table keeps the digest. A
//!    session of tokens has no secret of its own; its refresh tokens are rows beside it.
//! 2. It ends when it was idle for too long, at a fixed time however it is used, and when it is
//!    revoked: one, all others of a person, all of a person, all that are bound to a tenant.
//! 3. Every authentication makes a new session with a new id and a new secret, and ends the one
//!    before it on that device. So nobody can be made to use a session that somebody else knows.
//! 4. When it was last seen is written at most once a minute.
//! 5. [`Liveness`] knows which sessions ended before their access tokens did.
//!
//! ```no_run
//! # async fn run(
//! #     databases: saas_tenancy::db::TenantDatabases,
//! #     clock: saas_core::Clock,
//! #     headers: http::HeaderMap,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::session::{CookieKind, Cookies, SessionPolicy, Sessions, Transport};
//!
//! let sessions = Sessions::new(databases, clock, SessionPolicy::default());
//! let cookies = Cookies::new(Transport::Tls);
//! if let Some(secret) = cookies.read(CookieKind::Session, &headers) {
//!     if let Some(session) = sessions.resume(&secret).await? {
//!         sessions.revoke_others(session.user, session.id).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod cookies;
mod liveness;
mod rows;
mod store;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{Problem, SessionId, TenantId, UserId};
use saas_tenancy::TenancyError;

use crate::outage;

pub use client::Client;
pub use cookies::{CookieKind, Cookies, Transport};
pub use liveness::{Alive, Liveness, LivenessChanges};
pub(crate) use rows::{read_session, session_columns};
pub use store::Sessions;
pub(crate) use store::{NewSession, insert, is_member, revoke_in};

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The one tenant it is good for; `None` for one that chooses.
    pub tenant: Option<TenantId>,
    /// How the device shows that it has it.
    pub kind: SessionKind,
    /// Who acts in the name of `user`, if somebody does.
    pub impersonator: Option<UserId>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When the person last showed who they are.
    pub authenticated_at: DateTime<Utc>,
    /// When they last showed their second factor.
    pub second_factor_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless it is used before.
    pub idle_until: DateTime<Utc>,
    /// When it ends in any case.
    pub expires_at: DateTime<Utc>,
    /// Where it began.
    pub client: Client,
}

/// How a device shows that it has a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// By a secret in a cookie.
    Browser,
    /// By access tokens, and by refresh tokens that make new ones.
    Token,
}

impl SessionKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Token => "token",
        }
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SessionPolicy {
    pub(crate) idle: TimeDelta,
    pub(crate) absolute: TimeDelta,
}

impl Default for SessionPolicy {
    /// 14 days without use, 30 days in all.
    fn default() -> Self {
        Self { idle: TimeDelta::days(14), absolute: TimeDelta::days(30) }
    }
}

impl SessionPolicy {
    /// How long a session lasts without use.
    pub fn with_idle(self, idle: Duration) -> Self {
        Self { idle: TimeDelta::from_std(idle).unwrap_or(self.idle), ..self }
    }

    /// How long a session lasts in all.
    pub fn with_absolute(self, absolute: Duration) -> Self {
        Self { absolute: TimeDelta::from_std(absolute).unwrap_or(self.absolute), ..self }
    }

    /// When a session that is used now and ends at `expires_at` would end without further use.
    pub(crate) fn idle_until(
        &self,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> DateTime<Utc> {
        (now + self.idle).min(expires_at)
    }
}

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no such session of this person, or it is over.
    #[error("there is no such session")]
    NotFound,
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("sessions cannot be looked up")]
    Unavailable(#[from] TenancyError),
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "not_found").with_detail(error.to_string())
            }
            SessionError::Unavailable(_) => outage::problem(error),
        }
    }
}
