use std::fmt;

use saas_core::TenantId;
use secrecy::SecretString;

use crate::{
    second_factor::Proof,
    session::{Client, SessionKind},
};

/// How long what somebody types as an address may be.
const TYPED: usize = 254;

/// Somebody wants to sign in with a password.
#[derive(Clone)]
#[must_use]
pub struct LogIn {
    pub(super) email: String,
    pub(super) password: SecretString,
    pub(super) client: Client,
    pub(super) second_factor: Option<Proof>,
    pub(super) tenant: Option<TenantId>,
    pub(super) wanted: Wanted,
    pub(super) replaces: Option<SecretString>,
}

/// What a device wants to sign in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// An access token and a refresh token.
    #[default]
    Tokens,
    /// The secret of a cookie.
    Cookie,
}

impl LogIn {
    /// With an address and a password, for tokens that are bound to no tenant.
    pub fn new(email: &str, password: impl Into<SecretString>, client: Client) -> Self {
        // What no address has would be refused by the database instead of being unknown to it.
        let plain = email.trim().chars().filter(|c| !c.is_control());
        Self {
            email: plain.take(TYPED).collect(),
            password: password.into(),
            client,
            second_factor: None,
            tenant: None,
            wanted: Wanted::default(),
            replaces: None,
        }
    }

    /// With a second factor, too.
    pub fn with_second_factor(self, proof: Proof) -> Self {
        Self { second_factor: Some(proof), ..self }
    }

    /// For a session that is good for one tenant only.
    pub fn in_tenant(self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// For a cookie or for tokens.
    pub fn for_a(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

    /// Ends the session whose secret or refresh token the device had until now.
    pub fn replacing(self, credential: SecretString) -> Self {
        Self { replaces: Some(credential), ..self }
    }

    /// What attempts are counted by: one account, however its address is typed.
    pub(super) fn account(&self) -> String {
        self.email.to_lowercase()
    }
}

impl Wanted {
    pub(super) const fn kind(self) -> SessionKind {
        match self {
            Self::Tokens => SessionKind::Token,
            Self::Cookie => SessionKind::Browser,
        }
    }
}

impl From<SessionKind> for Wanted {
    fn from(kind: SessionKind) -> Self {
        match kind {
            SessionKind::Token => Self::Tokens,
            SessionKind::Browser => Self::Cookie,
        }
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn")
            .field("tenant", &self.tenant)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
