use std::{fmt, sync::Arc};

use http::{Uri, request::Parts};

use super::{
    BaseDomains, Candidate, ChainError, ClaimedTenant, CustomDomain, PathPrefix, RequestAddress,
    ResolveTenant, Subdomain, TenantHeader, Trust, TrustedProxies,
};
use crate::error::TenancyError;

/// The sources that an application reads its tenants from. See the module docs for the rules.
#[derive(Clone)]
#[must_use]
pub struct Resolvers {
    authentication: Authentication,
    proxies: TrustedProxies,
    path: Option<PathPrefix>,
    others: Vec<Arc<dyn ResolveTenant>>,
}

impl Resolvers {
    /// No source yet: every request is one without a tenant.
    ///
    /// `authentication` says what the rest of the application does; the sources that depend on it
    /// check it, in whatever order they are added.
    pub fn new(authentication: Authentication) -> Self {
        let proxies = TrustedProxies::default();
        Self { authentication, proxies, path: None, others: Vec::new() }
    }

    /// Believes the `X-Forwarded-Host` of these proxies.
    pub fn with_trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// Reads tenants from one label in front of `bases`.
    pub fn subdomain(self, bases: &BaseDomains) -> Self {
        self.push(Subdomain::new(bases.clone()))
    }

    /// Reads tenants from their own domains: every host outside of `bases`.
    pub fn custom_domain(self, bases: &BaseDomains) -> Self {
        self.push(CustomDomain::new(bases.clone()))
    }

    /// Reads tenants from `/t/{slug}/…` and strips that prefix.
    pub fn path(self) -> Self {
        Self { path: Some(PathPrefix), ..self }
    }

    /// Reads tenants from the [`TenantClaim`](super::TenantClaim) of a verified credential.
    ///
    /// # Errors
    /// [`ChainError::ClaimWithoutAuthentication`] if the application declares that nobody signs in.
    pub fn claim(self) -> Result<Self, ChainError> {
        self.with(ClaimedTenant)
    }

    /// Reads tenants from the `X-Tenant-ID` header, which anybody can send.
    ///
    /// Safe only where nobody signs in (the header chooses between tenants that are all open to
    /// the caller), or where every request of a signed-in user is checked for membership in the
    /// tenant that was found.
    ///
    /// # Errors
    /// [`ChainError::HeaderWithoutMembership`] if users sign in and nothing checks it.
    pub fn header(self) -> Result<Self, ChainError> {
        self.with(TenantHeader)
    }

    /// Reads tenants from a source of the application's own.
    ///
    /// # Errors
    /// As [`header`](Self::header) and [`claim`](Self::claim), by the [`Trust`] of the resolver.
    pub fn with(self, resolver: impl ResolveTenant) -> Result<Self, ChainError> {
        match (resolver.trust(), self.authentication) {
            (Trust::Header, Authentication::WithoutMembership) => {
                Err(ChainError::HeaderWithoutMembership)
            }
            (Trust::Credential, Authentication::Absent) => {
                Err(ChainError::ClaimWithoutAuthentication)
            }
            _ => Ok(self.push(resolver)),
        }
    }

    /// What each source of a request names. All are asked; none is preferred.
    ///
    /// # Errors
    /// [`TenancyError::BadAddress`], [`TenancyError::Conflict`] or [`TenancyError::NotFound`] if
    /// the host, the path or a header is malformed, names two tenants or names an impossible one.
    pub fn candidates(&self, parts: &Parts) -> Result<Vec<(Trust, Candidate)>, TenancyError> {
        let request = RequestAddress::read(parts, &self.proxies)?;
        let path = self.path.iter().map(|path| path as &dyn ResolveTenant);
        let mut candidates = Vec::new();
        for resolver in path.chain(self.others.iter().map(|other| &**other)) {
            if let Some(candidate) = resolver.resolve(&request)? {
                candidates.push((resolver.trust(), candidate));
            }
        }
        Ok(candidates)
    }

    /// `uri` without the tenant's prefix, if the path is a source and has one.
    #[must_use]
    pub fn strip(&self, uri: &Uri) -> Option<Uri> {
        self.path.and_then(|path| path.strip(uri))
    }

    fn push(mut self, resolver: impl ResolveTenant) -> Self {
        self.others.push(Arc::new(resolver));
        self
    }
}

impl fmt::Debug for Resolvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.iter().map(|path| path as &dyn fmt::Debug);
        let others = self.others.iter().map(|other| other as &dyn fmt::Debug);
        f.debug_list().entries(path.chain(others)).finish()
    }
}

/// What an application does about the people who use it: decides which sources of tenants are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Nobody signs in: whoever reaches the application may use every tenant.
    Absent,
    /// Users sign in, and nothing compares them with the tenant of their request. Then only a
    /// tenant's own address may name it.
    WithoutMembership,
    /// Users sign in, and every request of theirs is refused unless they are members of its tenant.
    WithMembership,
}
