//! Who asks for what: the value every operation on tenant data starts from.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, Problem, RequestId, TenantId, UserId, audit::Client};

/// Which tenant is meant, who acts, and in which request.
///
/// A scope is passed on explicitly, never kept in a global or a task-local: work that outlives its
/// request takes the scope along or does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    tenant: TenantId,
    actor: Actor,
    request: RequestId,
    /// Stays behind when a scope is stored: later work is not done from that address.
    #[serde(skip)]
    client: Option<Arc<Client>>,
}

impl Scope {
    /// Ties the three together.
    #[must_use]
    pub const fn new(tenant: TenantId, actor: Actor, request: RequestId) -> Self {
        Self { tenant, actor, request, client: None }
    }

    /// The tenant whose data is meant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The request, or the run of a job, on whose behalf this happens.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// From where it is asked for, if that is known. Entries of the audit log take it from here.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.as_deref()
    }

    /// The same, asked for by this client.
    #[must_use]
    pub fn with_client(self, client: impl Into<Arc<Client>>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// The same tenant and request, with another actor: what authentication does.
    #[must_use]
    pub fn acting_as(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }
}

/// Why a request has no scope: the answer to a handler that asks for one.
///
/// A layer that looked for a tenant, found none and lets the request pass puts this into the
/// extensions. Without it a missing scope is taken for a missing layer.
#[derive(Debug, Clone)]
pub struct NoScope(Problem);

impl NoScope {
    /// Asking for the scope is answered with `problem`.
    #[must_use]
    pub const fn new(problem: Problem) -> Self {
        Self(problem)
    }

    /// The answer.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.0
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// Nobody has proven who they are.
    Anonymous,
    /// A signed-in person.
    User {
        /// Who it is.
        id: UserId,
    },
    /// A program, with a key that a person made for it.
    ApiKey {
        /// Which key.
        id: ApiKeyId,
        /// The person whose permissions bound those of the key.
        owner: UserId,
    },
    /// Somebody who acts for a person, as support does.
    Impersonated {
        /// The person acted for.
        id: UserId,
        /// Who really acts.
        by: UserId,
    },
    /// The application itself, for a stated reason.
    System {
        /// Why it acts, for the audit log: `provision`, `import`, `retention`.
        reason: String,
    },
}

impl Actor {
    /// The application itself, acting for `reason`.
    #[must_use]
    pub fn system(reason: impl Into<String>) -> Self {
        Self::System { reason: reason.into() }
    }

    /// The person whose permissions bound what is done: the one who acts, the owner of a key, or the
    /// one who is acted for. `None` for nobody and for the application itself.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::User { id } | Self::ApiKey { owner: id, .. } | Self::Impersonated { id, .. } => {
                Some(*id)
            }
            Self::Anonymous | Self::System { .. } => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User { id } => write!(f, "user {id}"),
            Self::ApiKey { id, owner } => write!(f, "api key {id} of user {owner}"),
            Self::Impersonated { id, by } => write!(f, "user {by} acting for user {id}"),
            Self::System { reason } => write!(f, "system ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    #[test]
    fn an_impersonated_actor_names_both_persons_wherever_it_is_kept() {
        let clock = Clock::system();
        let (id, by) = (UserId::generate(&clock), UserId::generate(&clock));
        let actor = Actor::Impersonated { id, by };
        let kept = serde_json::to_value(&actor).unwrap();
        assert_eq!(kept, serde_json::json!({"kind": "impersonated", "id": id, "by": by}));
        assert_eq!(serde_json::from_value::<Actor>(kept).unwrap(), actor);
        assert_eq!(actor.to_string(), format!("user {by} acting for user {id}"));
    }

    #[test]
    fn a_key_names_the_person_it_belongs_to() {
        let clock = Clock::system();
        let (id, owner) = (ApiKeyId::generate(&clock), UserId::generate(&clock));
        let kept = serde_json::to_value(Actor::ApiKey { id, owner }).unwrap();
        assert_eq!(kept, serde_json::json!({"kind": "api_key", "id": id, "owner": owner}));
    }
}
