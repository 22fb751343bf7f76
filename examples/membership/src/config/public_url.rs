use std::{fmt, net::SocketAddr, str::FromStr};

use saas_tenancy::Slug;
use url::{Host, Url};

/// Where people reach the application. Its host is the base domain of the tenants' addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl PublicUrl {
    /// The address on this machine when the application listens on `listen`.
    #[must_use]
    pub fn local(listen: SocketAddr) -> Self {
        Self { scheme: Scheme::Http, host: "localhost".to_owned(), port: Some(listen.port()) }
    }

    /// The same address by TLS.
    #[must_use]
    pub fn over_tls(self) -> Self {
        Self { scheme: Scheme::Https, ..self }
    }

    /// The domain below which every tenant has a name.
    #[must_use]
    pub fn base_domain(&self) -> &str {
        &self.host
    }

    /// Whether people reach it by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The address of a tenant.
    #[must_use]
    pub fn of(&self, tenant: &Slug) -> Self {
        Self { host: format!("{tenant}.{}", self.host), ..self.clone() }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::Syntax)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(InvalidPublicUrl::Syntax),
        };
        let Some(Host::Domain(host)) = url.host() else { return Err(InvalidPublicUrl::Address) };
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidPublicUrl::More);
        }
        Ok(Self { scheme, host: host.to_owned(), port: url.port() })
    }
}

/// A text is no [`PublicUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicUrl {
    /// It is no address of a web site.
    #[error("must start with `http://` or `https://`")]
    Syntax,
    /// It has a number in place of a name.
    #[error("must have a host name, because tenants get names below it, and not an IP address")]
    Address,
    /// It has more than scheme, host and port.
    #[error("must have no path, query, user or password")]
    More,
}
