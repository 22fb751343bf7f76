use http::HeaderName;
use saas_core::TenantId;

use super::{Candidate, RequestAddress, ResolveTenant, Trust};
use crate::{
    error::TenancyError,
    slug::{Slug, SlugError},
};

const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");

/// Reads the tenant from the `X-Tenant-ID` header: its slug, or its id in the hyphenated form.
///
/// Anybody can send any header, so this is the weakest source: [`Resolvers::header`] says when it
/// may be used at all. The header comes once with one value, or the request is refused. A value in
/// the form of an id is always an id, even if a tenant's slug looks the same.
///
/// [`Resolvers::header`]: super::Resolvers::header
#[derive(Debug, Clone, Copy, Default)]
pub struct TenantHeader;

impl ResolveTenant for TenantHeader {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        request.single_header(&TENANT_ID)?.map(candidate).transpose()
    }

    fn trust(&self) -> Trust {
        Trust::Header
    }
}

/// The length of a UUID with its hyphens; the other forms it has are not taken.
const HYPHENATED: usize = 36;

fn candidate(value: &str) -> Result<Candidate, TenancyError> {
    if value.len() == HYPHENATED
        && let Ok(id) = value.parse::<TenantId>()
    {
        return Ok(Candidate::Id(id));
    }
    match value.parse::<Slug>() {
        Ok(slug) => Ok(Candidate::Slug(slug)),
        Err(SlugError::Reserved) => Err(TenancyError::NotFound),
        Err(_) => Err(TenancyError::BadAddress("`X-Tenant-ID` must be one slug or one id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_an_id_or_a_slug_and_nothing_else() {
        let id = "018f4d3c-0000-7000-8000-00000000002a";
        assert_eq!(candidate(id).unwrap(), Candidate::Id(id.parse().unwrap()));
        assert_eq!(candidate("Acme").unwrap(), Candidate::Slug("acme".parse().unwrap()));
        assert!(matches!(candidate("www"), Err(TenancyError::NotFound)));
        let braced = format!("{{{id}}}");
        for wrong in ["", "a", "acme,globex", "acme, acme", "ac me", &braced, "../acme"] {
            assert!(matches!(candidate(wrong), Err(TenancyError::BadAddress(_))), "{wrong}");
        }
    }
}
