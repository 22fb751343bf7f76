//! Tenants: which one a request means, and the wall around its data.

#[cfg(feature = "postgres")]
pub mod check;
#[cfg(feature = "postgres")]
pub mod db;
pub mod domain;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod error;
#[cfg(feature = "axum")]
pub mod layer;
#[cfg(feature = "postgres")]
pub mod migrate;
pub mod placement;
#[cfg(feature = "postgres")]
pub mod provision;
pub mod resolve;
pub mod resolved;
pub mod slug;
pub mod store;
pub mod tenant;

pub use error::TenancyError;
#[cfg(feature = "axum")]
pub use layer::{Presence, Tenancy, TenantLayer};
pub use placement::{Isolation, Placement, ServerId};
pub use resolved::ResolvedTenant;
pub use slug::{Slug, SlugError};
pub use store::TenantStore;
pub use tenant::{NewTenant, Status, Tenant};
