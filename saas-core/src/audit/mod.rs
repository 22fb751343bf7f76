//! Who did what to which thing: the entry that is written in the same transaction as the change.
//!
//! 1. An [`AuditEntry`] is made from a [`Scope`], so tenant, actor, request and client are those of the
//!    work itself. Whoever writes it compares them with the transaction once more.
//! 2. What was done is an [`Action`], `thing.verb`, and what it was done to is a [`Target`].
//! 3. [`Changes`] hold before and after. A field whose name speaks of a secret keeps its name and
//!    loses its value; see [`Changes`] for the list.
//! 4. Everything has a limit, because clients choose some of it: see [`Client`].
//!
//! ```
//! use saas_core::{
//!     Actor, AuditEntry, Clock, RequestId, Scope, TenantId,
//!     audit::{Action, Changes, Target},
//! };
//! use serde_json::json;
//!
//! const RENAMED: Action = Action::literal("member.rename");
//!
//! let clock = Clock::system();
//! let scope =
//!     Scope::new(TenantId::generate(&clock), Actor::Anonymous, RequestId::generate(&clock));
//! let entry = AuditEntry::new(&scope, RENAMED, Target::new("member", "42"), &clock).with_changes(
//!     Changes::between(&json!({"name": "Ann", "age": 40}), &json!({"name": "Anne", "age": 40})),
//! );
//! assert_eq!(serde_json::to_value(&entry.changes)?["after"], json!({"name": "Anne"}));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod action;
mod changes;
mod client;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, Clock, RequestId, Scope, TenantId};

pub use action::{Action, InvalidAction};
pub use changes::Changes;
pub use client::Client;

// The macro's paths name this crate from outside.
use crate as saas_core;

/// The shape of entries that this version writes. It grows when a field changes its meaning.
pub const SCHEMA_VERSION: u16 = 1;

/// The most characters of a target's kind and id, and of a reason.
const LONGEST_TEXT: usize = 200;

crate::id! {
    /// One entry of an audit log.
    pub struct AuditId;
}

/// One entry of an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its own id, which grows with time.
    pub id: AuditId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// When, to the microsecond.
    pub occurred_at: DateTime<Utc>,
    /// Who acted, and on whose behalf.
    pub actor: Actor,
    /// From where, with which credential.
    pub client: Client,
    /// The request it happened in.
    pub request: RequestId,
    /// What was done.
    pub action: Action,
    /// What it was done to.
    pub target: Target,
    /// Before and after, without secrets.
    pub changes: Changes,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused or failed, or why it was done.
    pub reason: Option<String>,
    /// The shape of the entry: [`SCHEMA_VERSION`] when it was written.
    pub schema_version: u16,
}

impl AuditEntry {
    /// An entry of `scope` for something that was done now.
    #[must_use]
    pub fn new(scope: &Scope, action: Action, target: Target, clock: &Clock) -> Self {
        let now = clock.now();
        Self {
            id: AuditId::generate(clock),
            tenant: scope.tenant(),
            // What a database keeps: an entry reads back equal.
            occurred_at: now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now),
            actor: scope.actor().clone(),
            client: scope.client().cloned().unwrap_or_default(),
            request: scope.request(),
            action,
            target,
            changes: Changes::default(),
            outcome: Outcome::Success,
            reason: None,
            schema_version: SCHEMA_VERSION,
        }
    }

    /// Adds from where it was done.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Adds what was there before and what is there now.
    #[must_use]
    pub fn with_changes(self, changes: Changes) -> Self {
        Self { changes, ..self }
    }

    /// Adds why it was done.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(bounded(reason.into(), LONGEST_TEXT)), ..self }
    }

    /// The same for something that was refused, and why.
    #[must_use]
    pub fn refused(self, reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused, ..self }.because(reason)
    }

    /// The same for something that was tried and failed, and why.
    #[must_use]
    pub fn failed(self, reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, ..self }.because(reason)
    }
}

/// What an action was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The kind of thing: `member`, `tenant`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

impl Target {
    /// The thing of this `kind` with this `id`. Both are cut to 200 characters.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: bounded(kind.into(), LONGEST_TEXT), id: bounded(id.into(), LONGEST_TEXT) }
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Refused,
    /// It was allowed, tried, and did not work.
    Failed,
}

impl Outcome {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The text without what a database or a terminal takes amiss, cut to so many characters.
fn bounded(text: String, most: usize) -> String {
    if text.len() <= most && !text.contains(char::is_control) {
        return text;
    }
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;

    fn entry() -> AuditEntry {
        let clock = Clock::system();
        let actor = Actor::User { id: UserId::generate(&clock) };
        let scope = Scope::new(TenantId::generate(&clock), actor, RequestId::generate(&clock));
        let action = Action::literal("member.create");
        AuditEntry::new(&scope, action, Target::new("member", "42"), &clock)
    }

    #[test]
    fn an_entry_reads_back_from_its_json() {
        let entry = entry().refused("no right").with_client(Client::new().with_user_agent("curl"));
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<AuditEntry>(&text).unwrap(), entry);
    }

    #[test]
    fn the_outcome_is_success_until_it_is_said_otherwise() {
        assert_eq!(entry().outcome, Outcome::Success);
        let refused = entry().refused("no right");
        assert_eq!(
            (refused.outcome, refused.reason.as_deref()),
            (Outcome::Refused, Some("no right"))
        );
        assert_eq!(entry().failed("full").outcome.as_str(), "failed");
    }

    #[test]
    fn texts_are_cut_and_lose_control_characters() {
        let target = Target::new("member", format!("a\0b\n{}", "é".repeat(300)));
        assert_eq!(target.id.chars().count(), LONGEST_TEXT);
        assert!(target.id.starts_with("a b é"));
    }
}
