//! Which addresses may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::OidcError;

/// How long an address may be.
const LONGEST: usize = 500;

/// What the server lets itself be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses over TLS. Names are resolved once, and every address that a name has must be
    /// public: none of this machine, of private networks, of the link, or of a cloud's metadata.
    Public,
    /// This machine as well, there also without TLS: for development and tests.
    PublicAndLoopback,
}

impl Reach {
    /// Reads an address that came from elsewhere.
    pub(super) fn check(self, text: &str) -> Result<Url, OidcError> {
        if text.len() > LONGEST {
            return Err(OidcError::Address("it is too long"));
        }
        let url = Url::parse(text).map_err(|_| OidcError::Address("it is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(OidcError::Address("it has a user, a password or a fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if self == Self::PublicAndLoopback && is_loopback(&url) => {}
            _ => return Err(OidcError::Address("it does not begin with `https://`")),
        }
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            // Its addresses are looked at when it is resolved.
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if allowed { Ok(url) } else { Err(OidcError::Address("it is not a public address")) }
    }

    pub(super) fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || (self == Self::PublicAndLoopback && address.is_loopback())
    }
}

/// Resolves names for the client; one with an address that may not be asked has none.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() || !found.iter().all(|address| reach.allows(address.ip())) {
                return Err(OidcError::Address("it is not a public address").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether anybody on the internet can be asked there.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The registry of special addresses ([RFC 6890] and its successors) names what is not.
///
/// [RFC 6890]: https://www.rfc-editor.org/rfc/rfc6890
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // This network, multicast and what is reserved; carriers' own networks, protocol assignments, the
    // 6to4 relay, benchmarks.
    let special = matches!(
        (a, b, c),
        (0 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (192, 0, 0)
            | (192, 88, 99)
            | (198, 18 | 19, _)
    );
    !special
        && !address.is_private()
        && !address.is_loopback()
        && !address.is_link_local()
        && !address.is_documentation()
}

/// Global unicast, without documentation and without what carries an address of version 4 inside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_global = (0x2000..=0x3fff).contains(&a);
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x2002 || a == 0x3fff;
    is_global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_over_tls_are_asked() {
        for good in ["https://id.example", "https://id.example/tenant/7", "https://8.8.8.8:8443"] {
            assert!(Reach::Public.check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example",
            "ftp://id.example",
            "file:///etc/passwd",
            "https://user@id.example",
            "https://id.example/#x",
            "https://127.0.0.1",
            "https://127.1",
            "https://0x7f000001",
            "https://2130706433",
            "https://0.0.0.0",
            "https://10.0.0.1",
            "https://172.16.0.1",
            "https://192.168.1.1",
            "https://100.64.0.1",
            "https://169.254.169.254/latest/meta-data",
            "https://192.0.0.192",
            "https://198.18.0.1",
            "https://224.0.0.1",
            "https://255.255.255.255",
            "https://[::1]",
            "https://[::]",
            "https://[::ffff:10.0.0.1]",
            "https://[fe80::1]",
            "https://[fd00:ec2::254]",
            "https://[64:ff9b::a00:1]",
            "https://[2002:a00:1::]",
            "https://[2001:db8::1]",
            "id.example",
        ] {
            assert!(Reach::Public.check(bad).is_err(), "{bad}");
        }
        let long = format!("https://id.example/{}", "x".repeat(LONGEST));
        assert!(Reach::Public.check(&long).is_err());
    }

    #[test]
    fn development_reaches_this_machine_and_no_private_network() {
        let reach = Reach::PublicAndLoopback;
        for good in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"] {
            assert!(reach.check(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example", "http://10.0.0.1", "https://10.0.0.1"] {
            assert!(reach.check(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_has_no_address_for_the_client() {
        let refused = Reach::Public.resolve("localhost".parse().unwrap()).await;
        assert!(refused.is_err());
        let found = Reach::PublicAndLoopback.resolve("localhost".parse().unwrap()).await;
        assert!(found.unwrap().all(|address| address.ip().is_loopback()));
    }
}
