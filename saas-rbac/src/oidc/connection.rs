use std::fmt;

use chrono::{DateTime, Utc};
use saas_core::TenantId;
use secrecy::SecretString;
use serde::Serialize;

saas_core::id! {
    /// A way to sign in with a provider.
    pub struct ConnectionId;
}

/// A way to sign in with a provider: of one tenant, or of the whole application.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Connection {
    /// Which one.
    pub id: ConnectionId,
    /// Whose; `None` for one that is there for all.
    pub tenant: Option<TenantId>,
    /// What people see on the button.
    pub name: String,
    /// The provider.
    pub issuer: String,
    /// What the provider calls the application.
    pub client_id: String,
    /// Whether people are let in who come for the first time.
    pub newcomers: Newcomers,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[serde(skip)]
    pub(super) sealed_client_secret: Option<Vec<u8>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Whether people are let in who come for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Newcomers {
    /// They must have been invited, or have signed up, before.
    Refused,
    /// They get an account, and in a tenant the role that its connection names.
    Admitted,
}

/// A connection to be made.
#[derive(Clone)]
#[must_use]
pub struct NewConnection {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<SecretString>,
}

impl NewConnection {
    /// With the provider called `issuer`, which knows the application as `client_id`. `name` is what
    /// people see: 1 to 100 characters.
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> Self {
        let (name, issuer, client_id) = (name.into(), issuer.into(), client_id.into());
        Self { name, issuer, client_id, client_secret: None }
    }

    /// With the secret that the provider has given: 1 to 500 visible characters of ASCII.
    pub fn with_client_secret(self, secret: impl Into<SecretString>) -> Self {
        Self { client_secret: Some(secret.into()), ..self }
    }
}

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnection").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
