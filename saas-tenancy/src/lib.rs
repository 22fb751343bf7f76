//! Tenants: which one a request means, and the wall around its data.
//!
//! 1. A [`TenantLayer`] finds the tenant of each request by its host, path, headers or credential,
//!    and checks whether it may be served; see [`resolve`] and [`layer`].
//! 2. Handlers take a `TenantDb` and begin a transaction in the tenant's context. There is no query
//!    without a transaction, no transaction without a resolved tenant, and no way from one tenant's
//!    transaction to another's rows; see [`db`].
//! 3. Tenants share tables, have a schema each or a database each ([`Isolation`]). The same handlers
//!    and the same migrations serve all three; see [`migrate`] and [`provision`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use saas_core::{Clock, TenantId};
//! use saas_tenancy::{
//!     Isolation, NewTenant, ResolvedTenant, TenantLayer, TenantStore,
//!     resolve::{Authentication, BaseDomains, Resolvers},
//!     store::MemoryTenantStore,
//! };
//! use tower::{Layer, ServiceExt};
//!
//! async fn hello(tenant: ResolvedTenant) -> String {
//!     format!("welcome to {}", tenant.name)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::system();
//! let store = Arc::new(MemoryTenantStore::new(clock.clone()));
//! let id = TenantId::generate(&clock);
//! store.insert(NewTenant::new(id, "acme".parse()?, "Acme", Isolation::Shared)).await?;
//! store.mark_ready(id).await?;
//!
//! let bases = BaseDomains::new(["localhost"])?;
//! let resolvers = Resolvers::new(Authentication::Absent).subdomain(&bases);
//! let app = TenantLayer::new(store, resolvers, clock)
//!     .layer(Router::new().route("/", get(hello)));
//!
//! let request = Request::get("/").header("host", "acme.localhost:8080");
//! assert_eq!(app.clone().oneshot(request.body(Body::empty())?).await?.status(), 200);
//! let request = Request::get("/").header("host", "nobody.localhost:8080");
//! assert_eq!(app.oneshot(request.body(Body::empty())?).await?.status(), 404);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` (default) | [`TenantLayer`], the extractors of [`ResolvedTenant`] and `TenantDb` |
//! | `postgres` (default) | [`db`], [`migrate`], [`provision`], the store in PostgreSQL |
//! | `embedded` | [`embedded`]: a private PostgreSQL server, started from the programs on the machine |
//! | `vault` | [`vault`]: secrets of tenants, sealed under keys of their own |
//! | `redis` | [`store::redis`]: changes that other processes make, heard through Redis |
//! | `test-util` | `store::conformance`, the suite that every [`TenantStore`] passes, and what tests need to look behind the wall |
//!
//! # Where next
//!
//! `examples/notes` in the repository is a complete application of some 100 lines; the book in `docs`
//! builds it step by step, and says how tables are written, what is refused and what is not covered.

#[cfg(feature = "postgres")]
pub mod audit;
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
#[cfg(feature = "vault")]
pub mod vault;

pub use error::TenancyError;
#[cfg(feature = "axum")]
pub use layer::{Presence, Tenancy, TenantLayer};
pub use placement::{Isolation, Placement, ServerId};
pub use resolved::ResolvedTenant;
pub use slug::{Slug, SlugError};
pub use store::TenantStore;
pub use tenant::{NewTenant, Status, Tenant};
