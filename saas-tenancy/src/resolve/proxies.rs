use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use ipnet::IpNet;

use super::ChainError;

/// Who is at the other end of the connection: a request extension that the server fills in.
///
/// Without it every peer is a stranger, and what it forwards is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The proxies whose `X-Forwarded-Host` is believed; none by default.
///
/// ```
/// use saas_tenancy::resolve::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, 192.0.2.7".parse()?;
/// assert!(proxies.contains("10.1.2.3".parse()?));
/// assert!(!proxies.contains("198.51.100.1".parse()?));
/// assert!("0.0.0.0/0".parse::<TrustedProxies>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts the proxies of these ranges.
    ///
    /// # Errors
    /// [`ChainError::TrustsEveryone`] if a range holds all addresses: every client could then
    /// choose its tenant's host.
    pub fn new(ranges: impl IntoIterator<Item = IpNet>) -> Result<Self, ChainError> {
        let ranges: Arc<[IpNet]> = ranges.into_iter().collect();
        if ranges.iter().any(|range| range.prefix_len() == 0) {
            return Err(ChainError::TrustsEveryone);
        }
        Ok(Self(ranges))
    }

    /// Whether `peer` is one of them. An IPv4 address written as IPv6 counts as what it is.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|range| range.contains(&peer))
    }
}

/// Reads ranges and single addresses, joined by commas, as a configuration holds them.
impl FromStr for TrustedProxies {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        let ranges =
            text.split(',').map(str::trim).filter(|range| !range.is_empty()).map(|range| {
                let address = range.parse::<IpAddr>().map(IpNet::from);
                address
                    .or_else(|_| range.parse())
                    .map_err(|_| ChainError::ProxyRange(range.to_owned()))
            });
        Self::new(ranges.collect::<Result<Vec<_>, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_ipv4_peer_is_the_ipv4_peer() {
        let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        assert!(proxies.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!proxies.contains("::ffff:11.0.0.1".parse().unwrap()));
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
    }

    #[test]
    fn a_range_of_all_addresses_or_no_range_at_all_stops_the_start() {
        assert_eq!("::/0".parse::<TrustedProxies>(), Err(ChainError::TrustsEveryone));
        let wrong = "10.0.0.0/33".parse::<TrustedProxies>();
        assert_eq!(wrong, Err(ChainError::ProxyRange("10.0.0.0/33".to_owned())));
    }
}
