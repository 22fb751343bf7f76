//! The permissions of an application, declared in one place, and the roles that come with it.
//!
//! 1. [`permissions!`](crate::permissions) declares them: a marker type each, with a name
//!    `resource:action`, a bit between 0 and 255 that never changes, a [`Risk`] and a description.
//!    Two equal bits or names do not compile.
//! 2. The declaration has a [`Catalogue`]: the names, sets by pattern, and what a matrix shows.
//! 3. A pattern (`members:*`, `*`) is expanded when a role is saved. A permission that is added
//!    later does not join roles that exist.
//! 4. [`FixedRoles`] are the roles that every tenant has, with sets made by `const` algebra. The
//!    application writes them; a name that does not exist does not compile.
//!
//! ```
//! use saas_rbac::permission::{FixedRole, FixedRoles, Permission, PermissionSet};
//!
//! saas_rbac::permissions! {
//!     /// What people may do in a club.
//!     pub mod perm {
//!         /// The people of the club.
//!         members {
//!             /// See members.
//!             Read: "read" = 0, Low;
//!             /// Add members.
//!             Create: "create" = 1, Low;
//!             /// Take all members home.
//!             Export: "export" = 2, High;
//!         }
//!         /// The club itself.
//!         tenant {
//!             /// Close the club for good.
//!             Delete: "delete" = 8, Critical;
//!         }
//!     }
//! }
//! use perm::CATALOGUE;
//!
//! const ALL: PermissionSet = CATALOGUE.all();
//! const ROLES: FixedRoles = FixedRoles::new(&[
//!     FixedRole::new(0, "owner", ALL),
//!     FixedRole::new(1, "admin", ALL.difference(CATALOGUE.select(&["tenant:delete"]))),
//!     FixedRole::new(2, "member", CATALOGUE.select(&["members:read", "members:create"])),
//! ]);
//!
//! assert_eq!(perm::members::Export::NAME, "members:export");
//! assert_eq!(CATALOGUE.expand("members:*")?, CATALOGUE.select(&["members:*"]));
//! let admin = ROLES.by_name("admin").ok_or("no such role")?;
//! let names: Vec<&str> = CATALOGUE.names(admin.permissions()).collect();
//! assert_eq!(names, ["members:read", "members:create", "members:export"]);
//! # Ok::<(), saas_core::BoxError>(())
//! ```

mod catalogue;
mod declare;
mod fixed;

pub use catalogue::{Catalogue, UnknownPermission};
pub use fixed::{FixedRole, FixedRoles};
pub use saas_core::permission::{Permission, PermissionInfo, PermissionSet, Risk};
