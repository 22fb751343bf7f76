use std::fmt;

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue,
    header::{self, AsHeaderName},
    request::Parts,
};

use super::{Host, HostName, PeerAddr, TrustedProxies};
use crate::error::TenancyError;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where a request is addressed to: what resolvers look at.
///
/// 1. The host is the one of an absolute target (`GET http://acme.example/ …`, and `:authority` of
///    HTTP/2), else of the `Host` header. If both are there they must name the same host; ports do
///    not count. Two `Host` headers are refused even if they are equal.
/// 2. Behind a [trusted proxy](TrustedProxies) the rightmost value of its `X-Forwarded-Host`
///    replaces both, because a proxy may well rewrite them. From anybody else the header is
///    ignored. `Forwarded` ([RFC 7239]) is always ignored: two headers that say the same are two
///    chances to disagree.
/// 3. An IP address is a host, but never a tenant's: see [`host_name`](Self::host_name).
///
/// [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
pub struct RequestAddress<'a> {
    host: Option<Host>,
    parts: &'a Parts,
}

impl<'a> RequestAddress<'a> {
    /// Reads the address of a request.
    ///
    /// # Errors
    /// [`TenancyError::BadAddress`] if the host is no host or is stated twice,
    /// [`TenancyError::Conflict`] if the target and the `Host` header differ.
    pub fn read(parts: &'a Parts, proxies: &TrustedProxies) -> Result<Self, TenancyError> {
        let host = match forwarded_host(parts, proxies)? {
            Some(host) => Some(host),
            None => direct_host(parts)?,
        };
        Ok(Self { host, parts })
    }

    /// The host, if the request states one.
    #[must_use]
    pub const fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The host, if the request states one and it is a name.
    #[must_use]
    pub fn host_name(&self) -> Option<&HostName> {
        self.host.as_ref().and_then(Host::name)
    }

    /// The path as it was sent, not decoded.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.parts.uri.path()
    }

    /// What outer layers have put into the request.
    #[must_use]
    pub const fn extensions(&self) -> &'a Extensions {
        &self.parts.extensions
    }

    /// The value of a header that may come only once.
    ///
    /// # Errors
    /// [`TenancyError::BadAddress`] if the header comes several times or holds anything but
    /// visible ASCII.
    pub fn single_header(&self, name: &HeaderName) -> Result<Option<&'a str>, TenancyError> {
        single(&self.parts.headers, name)
    }
}

/// Headers stay out: they hold credentials.
impl fmt::Debug for RequestAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestAddress")
            .field("host", &self.host)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

fn forwarded_host(parts: &Parts, proxies: &TrustedProxies) -> Result<Option<Host>, TenancyError> {
    let peer = parts.extensions.get::<PeerAddr>();
    if !peer.is_some_and(|PeerAddr(peer)| proxies.contains(peer.ip())) {
        return Ok(None);
    }
    let value = single(&parts.headers, &FORWARDED_HOST)?;
    // What stands left of the last comma was written by somebody in front of the proxy.
    let last = value.and_then(|list| list.rsplit(',').next());
    last.map(|host| parse(host.trim_matches([' ', '\t']))).transpose()
}

fn direct_host(parts: &Parts) -> Result<Option<Host>, TenancyError> {
    let target = parts.uri.authority().map(|authority| parse(authority.as_str())).transpose()?;
    // An empty `Host` is how HTTP/1.1 says that there is none.
    let header = single(&parts.headers, header::HOST)?.filter(|host| !host.is_empty());
    let header = header.map(parse).transpose()?;
    match (target, header) {
        (Some(target), Some(header)) if target != header => {
            Err(TenancyError::Conflict("its target and its `Host` header differ"))
        }
        (target, header) => Ok(target.or(header)),
    }
}

fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&str>, TenancyError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    let value = value.map_err(|_| TenancyError::BadAddress("a header holds more than ASCII"))?;
    match values.next() {
        Some(_) => Err(TenancyError::BadAddress("a header that may come once comes several times")),
        None => Ok(value),
    }
}

fn parse(text: &str) -> Result<Host, TenancyError> {
    text.parse::<Host>().map_err(|error| TenancyError::BadAddress(error.as_str()))
}
