//! Guards: what a request needs before a handler runs, and the proof that it had it.
//!
//! 1. A handler that takes [`Granted<P>`](Granted) runs only for somebody who may do `P`. Domain
//!    code that takes `&Granted<P>` cannot be called without the check, because nothing else makes
//!    the value. [`All`] and [`Any`] do the same for several permissions.
//! 2. [`OwnedBy`] lets people do to their own things what others need a permission for. The same
//!    rule checks one object and gives the SQL condition of a list.
//! 3. [`RequireLayer`] guards whole routes by a [`Rule`](crate::rules::Rule).
//! 4. Nobody signed in is 401, somebody who may not is 403, and a router without the layer that
//!    authenticates is 500 with the remedy in the log, never 200.
//!
//! ```
//! use saas_core::{UserId, auth::{Credential, Principal}, permission::{Grants, Permission, PermissionSet, Terms}};
//! use saas_core::{Clock, SessionId, TenantId};
//! use saas_rbac::require::Granted;
//!
//! saas_rbac::permissions! {
//!     /// What people may do.
//!     pub mod perm {
//!         /// Invoices.
//!         invoices {
//!             /// Void an invoice.
//!             Void: "void" = 0, Critical;
//!         }
//!     }
//! }
//!
//! fn void(proof: &Granted<perm::invoices::Void>, number: u32) -> String {
//!     format!("{} voided {number}", proof.user())
//! }
//!
//! let clock = Clock::system();
//! let session = Credential::AccessToken(SessionId::generate(&clock));
//! let user = UserId::generate(&clock);
//! let grants = Grants::new(Terms::of_roles(PermissionSet::of(perm::invoices::Void::BIT)));
//! let principal = Principal::new(user, session, clock.now())
//!     .in_tenant(TenantId::generate(&clock), ["owner"], grants);
//! assert_eq!(void(&Granted::of(&principal)?, 7), format!("{user} voided 7"));
//!
//! let stranger = Principal::new(user, session, clock.now());
//! assert!(Granted::<perm::invoices::Void>::of(&stranger).is_err());
//! # Ok::<(), saas_rbac::require::NotGranted>(())
//! ```

#[cfg(feature = "axum")]
mod extract;
mod granted;
#[cfg(feature = "axum")]
mod layer;
mod owned;
mod several;
mod staff;

pub use granted::{Granted, NotGranted};
#[cfg(feature = "axum")]
pub use layer::{Require, RequireLayer};
pub use owned::{Owned, OwnedBy, Reach};
pub use several::{All, Any, Permissions};
pub use staff::{Person, SuperAdmin};
