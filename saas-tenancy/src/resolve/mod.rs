//! From a request to the name of its tenant.
//!
//! 1. A resolver reads one source and answers with a [`Candidate`], with nothing, or with an error.
//!    It never asks a store; [`ResolvedTenant`](crate::ResolvedTenant) does.
//! 2. [`Resolvers`] asks all its sources. If they name different tenants the request is refused as
//!    a conflict: no source wins over another, so a header can never outrank a credential.
//! 3. A source that names an unknown tenant refuses the request (404), even if another one names a
//!    known tenant. A request that names none is left to [`TenantLayer`](crate::TenantLayer).
//! 4. Each source has its [`Trust`]. The header source does not start in an application whose users
//!    sign in without a check of their membership; see [`Authentication`].
//!
//! | source | example | trust |
//! |---|---|---|
//! | [`ClaimedTenant`] | a verified token | [`Credential`](Trust::Credential) |
//! | [`Subdomain`] | `acme.app.example` | [`Host`](Trust::Host) |
//! | [`CustomDomain`] | `members.acme.example` | [`Host`](Trust::Host) |
//! | [`PathPrefix`] | `/t/acme/api/v1/members` | [`Path`](Trust::Path) |
//! | [`TenantHeader`] | `X-Tenant-ID: acme` | [`Header`](Trust::Header) |
//!
//! ```
//! use saas_tenancy::resolve::{Authentication, BaseDomains, Candidate, Resolvers, Trust};
//!
//! let bases = BaseDomains::new(["localhost", "app.example.com"])?;
//! let resolvers = Resolvers::new(Authentication::WithMembership)
//!     .subdomain(&bases)
//!     .custom_domain(&bases)
//!     .path()
//!     .header()?;
//!
//! let request = http::Request::get("/api/v1/members").header("host", "acme.localhost:8080");
//! let (parts, ()) = request.body(())?.into_parts();
//! let candidates = resolvers.candidates(&parts)?;
//! assert_eq!(candidates, [(Trust::Host, Candidate::Slug("acme".parse()?))]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Links that leave the application (invitations, password resets) are built from configured
//! domains, never from the host of a request.
//!
//! **Deployment caveat.** `X-Forwarded-Host` is believed only from [`TrustedProxies`], by the
//! [`PeerAddr`] that the server puts into the request's extensions. Without it the header is
//! ignored. The proxy must set the header itself or append to it.

use std::fmt;

use saas_core::TenantId;

use crate::{error::TenancyError, slug::Slug};

mod address;
mod chain;
mod claim;
mod custom_domain;
mod error;
mod header;
mod host;
mod path;
mod proxies;
mod subdomain;

pub use address::RequestAddress;
pub use chain::{Authentication, Resolvers};
pub use claim::{ClaimedTenant, TenantClaim};
pub use custom_domain::CustomDomain;
pub use error::ChainError;
pub use header::TenantHeader;
pub use host::{Host, HostError, HostName};
pub use path::PathPrefix;
pub use proxies::{PeerAddr, TrustedProxies};
pub use subdomain::{BaseDomains, Subdomain};

/// Reads the tenant of a request from one source.
pub trait ResolveTenant: fmt::Debug + Send + Sync + 'static {
    /// What the source names; `None` if it says nothing.
    ///
    /// # Errors
    /// [`TenancyError::BadAddress`] if the source is malformed, [`TenancyError::Conflict`] if it
    /// names two tenants, [`TenancyError::NotFound`] if no tenant can be called so.
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError>;

    /// How far the source can be believed.
    fn trust(&self) -> Trust;
}

/// By what a request names its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Candidate {
    /// Its id.
    Id(TenantId),
    /// Its slug.
    Slug(Slug),
    /// A domain of its own.
    Domain(HostName),
}

/// How far a source of tenants can be believed, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// A header that any client can send.
    Header,
    /// The path, which a link can choose.
    Path,
    /// The host, which the browser's origin rules and DNS stand behind.
    Host,
    /// A verified credential that is bound to its tenant.
    Credential,
}
