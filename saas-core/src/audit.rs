//! Who changed what: the entry that is written in the same transaction as the change.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, RequestId, Scope, TenantId};

/// One line of an audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Who acted.
    pub actor: Actor,
    /// The request it happened in.
    pub request: RequestId,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What was done, as `thing.verb`.
    pub action: String,
    /// What it was done to.
    pub target: Target,
    /// Before and after, with secrets left out.
    pub changes: serde_json::Value,
    /// How it ended.
    pub outcome: Outcome,
}

/// What an action was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The kind of thing: `member`, `tenant`.
    pub kind: String,
    /// Which one.
    pub id: String,
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
}

impl AuditEntry {
    /// An entry of `scope` for something that was done.
    #[must_use]
    pub fn new(
        scope: &Scope,
        action: impl Into<String>,
        target: Target,
        occurred_at: DateTime<Utc>,
    ) -> Self {
        Self {
            tenant: scope.tenant(),
            actor: scope.actor().clone(),
            request: scope.request(),
            occurred_at,
            action: action.into(),
            target,
            changes: serde_json::Value::Null,
            outcome: Outcome::Success,
        }
    }

    /// Adds what was there before and what is there now.
    #[must_use]
    pub fn with_changes(self, changes: serde_json::Value) -> Self {
        Self { changes, ..self }
    }

    /// The same for something that was refused.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { outcome: Outcome::Refused, ..self }
    }
}

impl Target {
    /// The thing of this `kind` with this `id`.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}
