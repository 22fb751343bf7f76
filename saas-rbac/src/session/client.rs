use std::net::{IpAddr, Ipv6Addr};

/// The device that asks: shown to its owner beside the session, and used to tell a flood from a
/// person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

/// How much of a user agent is kept, in characters.
const USER_AGENT: usize = 500;

impl Client {
    /// A device of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The device at `address`: the peer's, or what a trusted proxy says it is.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self { address: Some(address.to_canonical()), user_agent: None }
    }

    /// What it calls itself. Control characters are left out and the end is cut off.
    #[must_use]
    pub fn with_user_agent(self, user_agent: &str) -> Self {
        let plain = user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT);
        Self { user_agent: Some(plain.collect()), ..self }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// What it calls itself.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// What floods are counted by: a home or a host has a whole /64 of IPv6.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.address.map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        })
    }

    /// What was stored.
    pub(crate) fn from_stored(address: Option<&str>, user_agent: Option<String>) -> Self {
        Self { address: address.and_then(|text| text.parse().ok()), user_agent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_4_is_one_however_it_is_written() {
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(Client::at(mapped).address(), Some("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn all_addresses_of_a_network_of_version_6_count_as_one() {
        let one = Client::at("2001:db8:1:2:aaaa::1".parse().unwrap());
        let other = Client::at("2001:db8:1:2:bbbb::2".parse().unwrap());
        let elsewhere = Client::at("2001:db8:1:3::1".parse().unwrap());
        assert_eq!(one.network(), other.network());
        assert_ne!(one.network(), elsewhere.network());
    }

    #[test]
    fn a_user_agent_is_kept_plain_and_short() {
        let client = Client::unknown().with_user_agent(&format!("a\0\n{}", "x".repeat(1000)));
        let kept = client.user_agent().unwrap();
        assert!(kept.starts_with("axx") && kept.chars().count() == USER_AGENT, "{kept}");
    }
}
