use std::sync::Arc;

use super::{Candidate, ChainError, HostName, RequestAddress, ResolveTenant, Trust};
use crate::{
    error::TenancyError,
    slug::{Slug, SlugError},
};

/// The domains that the application itself is served at. Cheap to clone.
///
/// Tenants are one label in front of them; every other host is a custom domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomains(Arc<[HostName]>);

impl BaseDomains {
    /// Checks and normalises the domains.
    ///
    /// # Errors
    /// [`ChainError::BaseDomain`] if one is not a host name, [`ChainError::NoBaseDomain`] if there
    /// is none.
    pub fn new<D: AsRef<str>>(domains: impl IntoIterator<Item = D>) -> Result<Self, ChainError> {
        let names = domains.into_iter().map(|domain| {
            let domain = domain.as_ref();
            domain
                .parse::<HostName>()
                .map_err(|source| ChainError::BaseDomain { domain: domain.to_owned(), source })
        });
        let names: Arc<[HostName]> = names.collect::<Result<_, _>>()?;
        if names.is_empty() { Err(ChainError::NoBaseDomain) } else { Ok(Self(names)) }
    }

    /// What `host` is to the application. With domains inside each other the longest one counts.
    pub(super) fn place<'h>(&self, host: &'h HostName) -> Place<'h> {
        if self.0.contains(host) {
            return Place::Base;
        }
        let in_front = self.0.iter().filter_map(|base| host.labels_before(base));
        match in_front.min_by_key(|labels| labels.len()) {
            Some(labels) => Place::Under(labels),
            None => Place::Elsewhere,
        }
    }
}

/// What a host is to the application.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'h> {
    /// One of its own domains.
    Base,
    /// Under one of them, with these labels in front.
    Under(&'h str),
    /// Another domain.
    Elsewhere,
}

/// Reads the tenant from the host: `acme.app.example`, under one of the [`BaseDomains`].
///
/// 1. Exactly one label in front; more of them are no tenant's address (404).
/// 2. A label that [`Slug`] reserves names no tenant: `www`, `api`, and everything that looks like
///    punycode. A label that can be no slug at all is a tenant that does not exist.
/// 3. The base domain itself, an address and any other domain name no tenant.
#[derive(Debug, Clone)]
pub struct Subdomain(BaseDomains);

impl Subdomain {
    /// Tenants are under `bases`.
    #[must_use]
    pub const fn new(bases: BaseDomains) -> Self {
        Self(bases)
    }
}

impl ResolveTenant for Subdomain {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        let Some(host) = request.host_name() else { return Ok(None) };
        let Place::Under(label) = self.0.place(host) else { return Ok(None) };
        match label.parse::<Slug>() {
            Ok(slug) => Ok(Some(Candidate::Slug(slug))),
            Err(SlugError::Reserved) => Ok(None),
            Err(_) => Err(TenancyError::NotFound),
        }
    }

    fn trust(&self) -> Trust {
        Trust::Host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_base_domain_counts() {
        let bases = BaseDomains::new(["example.com", "App.Example.com."]).unwrap();
        for (host, place) in [
            ("example.com", Place::Base),
            ("app.example.com", Place::Base),
            ("acme.app.example.com", Place::Under("acme")),
            ("acme.example.com", Place::Under("acme")),
            ("a.b.app.example.com", Place::Under("a.b")),
            ("notexample.com", Place::Elsewhere),
            ("example.com.evil.test", Place::Elsewhere),
        ] {
            assert_eq!(bases.place(&host.parse().unwrap()), place, "{host}");
        }
    }

    #[test]
    fn a_wrong_base_domain_stops_the_start_and_is_named() {
        for wrong in ["localhost:8080", "127.0.0.1", "", "http://localhost"] {
            let error = BaseDomains::new([wrong]).unwrap_err();
            assert!(matches!(error, ChainError::BaseDomain { domain, .. } if domain == wrong));
        }
        assert_eq!(BaseDomains::new([""; 0]), Err(ChainError::NoBaseDomain));
    }
}
