use super::{BaseDomains, Candidate, RequestAddress, ResolveTenant, Trust, subdomain::Place};
use crate::error::TenancyError;

/// Reads the tenant from a domain of its own: any host name that is not one of the
/// [`BaseDomains`] or under them.
///
/// Only a domain whose owner has proven it resolves; every other host is refused as the address of
/// no tenant, so that a foreign name pointed at the application shows nothing.
#[derive(Debug, Clone)]
pub struct CustomDomain(BaseDomains);

impl CustomDomain {
    /// Every host name outside of `bases` is a custom domain.
    #[must_use]
    pub const fn new(bases: BaseDomains) -> Self {
        Self(bases)
    }
}

impl ResolveTenant for CustomDomain {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        let foreign = request.host_name().filter(|host| self.0.place(host) == Place::Elsewhere);
        Ok(foreign.cloned().map(Candidate::Domain))
    }

    fn trust(&self) -> Trust {
        Trust::Host
    }
}
