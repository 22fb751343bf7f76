//! What people may do here, and what each route asks for.
//!
//! 1. [`perm`] has every permission: its name, its bit, its risk. Bits are stored and stay for ever.
//! 2. [`ROLES`] are the four roles that every tenant has. Tenants make more for themselves.
//! 3. Every route is added to an [`ApiRouter`] together with its rule. There is no way to add one
//!    without.
//! 4. What changes data takes a [`Granted`](saas_rbac::require::Granted) as argument, so it cannot be
//!    called where nobody has asked for the permission.

mod permissions;
mod roles;
mod router;

use saas_rbac::AccessModel;

pub use permissions::perm;
pub use roles::ROLES;
pub use router::{Api, ApiRouter};

/// The permissions and roles, as the framework takes them.
pub const MODEL: AccessModel = AccessModel::new(perm::CATALOGUE, ROLES);
