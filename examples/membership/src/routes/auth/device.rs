use std::{convert::Infallible, net::IpAddr};

use axum::extract::{FromRef, FromRequestParts};
use http::{HeaderMap, header, request::Parts};
use saas_rbac::{mail::Locale, session::Client};
use saas_tenancy::resolve::{PeerAddr, TrustedProxies};

use crate::state::AppState;

/// The device that asks: what attempts are counted by, and what its owner sees beside a session.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) client: Client,
    /// The language it prefers.
    pub(crate) locale: Locale,
}

impl<S: Sync> FromRequestParts<S> for Device
where
    AppState: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let AppState { proxies, .. } = AppState::from_ref(state);
        let client = address(parts, &proxies).map_or_else(Client::unknown, Client::at);
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let agent = text(header::USER_AGENT).unwrap_or_default();
        let locale = Locale::of_tag(text(header::ACCEPT_LANGUAGE).unwrap_or_default());
        Ok(Self { client: client.with_user_agent(agent), locale })
    }
}

/// Where a request comes from. Proxies that are trusted append the address they were asked from, so
/// the last one that is no proxy's counts.
fn address(parts: &Parts, proxies: &TrustedProxies) -> Option<IpAddr> {
    let PeerAddr(peer) = parts.extensions.get::<PeerAddr>()?;
    let mut address = peer.ip().to_canonical();
    for hop in hops(&parts.headers) {
        if !proxies.contains(address) {
            break;
        }
        let Ok(before) = hop.parse::<IpAddr>() else { break };
        address = before.to_canonical();
    }
    Some(address)
}

/// The addresses of `X-Forwarded-For`, the last one first.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let lines = lines.into_iter().rev().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.rsplit(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn of(peer: &str, forwarded: &[&str]) -> String {
        let mut request =
            Request::builder().extension(PeerAddr((peer.parse::<IpAddr>().unwrap(), 1).into()));
        for line in forwarded {
            request = request.header("x-forwarded-for", *line);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        address(&parts, &proxies).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        assert_eq!(of("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(of("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["nobody"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("::ffff:192.0.2.1", &[]), "192.0.2.1");
    }
}
