use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bounded;

/// The most characters that are kept of a user agent: clients may send any length.
const LONGEST_USER_AGENT: usize = 256;

/// From where something was done, and with which credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Client {
    /// The session or the API key, by its id; never the secret.
    pub credential: Option<Uuid>,
    /// The address, as far as the proxies in front are trusted.
    pub address: Option<IpAddr>,
    /// What the client calls itself, cut to 256 characters.
    pub user_agent: Option<String>,
}

impl Client {
    /// A client of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self { credential: None, address: None, user_agent: None }
    }

    /// Adds the id of the session or of the API key.
    #[must_use]
    pub fn with_credential(self, id: Uuid) -> Self {
        Self { credential: Some(id), ..self }
    }

    /// Adds the address.
    #[must_use]
    pub fn with_address(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Adds what the client calls itself.
    #[must_use]
    pub fn with_user_agent(self, text: impl Into<String>) -> Self {
        Self { user_agent: Some(bounded(text.into(), LONGEST_USER_AGENT)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_bounded() {
        let client = Client::new().with_user_agent("x\r\n".repeat(1000));
        let kept = client.user_agent.unwrap();
        assert_eq!(kept.len(), LONGEST_USER_AGENT);
        assert!(!kept.contains(char::is_control));
    }
}
