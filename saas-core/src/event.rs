//! What happened, told to whoever listens: analytics, notifications, other crates.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, Scope, TenantId};

/// A fact about a tenant, in the past tense: `member.created`, `tenant.suspended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The tenant it happened in.
    pub tenant: TenantId,
    /// Who made it happen.
    pub actor: Actor,
    /// What happened, as `thing.verb`.
    pub name: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What else is known. No secrets, no personal data.
    pub properties: serde_json::Value,
}

impl Event {
    /// An event of `scope`, without properties.
    #[must_use]
    pub fn new(scope: &Scope, name: impl Into<String>, occurred_at: DateTime<Utc>) -> Self {
        Self {
            tenant: scope.tenant(),
            actor: scope.actor().clone(),
            name: name.into(),
            occurred_at,
            properties: serde_json::Value::Null,
        }
    }

    /// Adds what else is known.
    #[must_use]
    pub fn with_properties(self, properties: serde_json::Value) -> Self {
        Self { properties, ..self }
    }
}

/// Takes events. A sink must not block: it queues, or it drops and counts.
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one event.
    fn emit(&self, event: Event);
}
