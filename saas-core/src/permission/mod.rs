//! What somebody may do: permissions, sets of them, and the one rule that decides.
//!
//! 1. A permission is a bit between 0 and 255 with a name `resource:action`. The bit is stored and
//!    never changes its meaning; the name is what people and programs see.
//! 2. Each permission is a type that implements [`Permission`]. An application declares its own
//!    with `saas_rbac::permissions!`, which refuses two permissions with one bit.
//! 3. What holds is `(roles ∩ plan ∩ scopes ∩ impersonation) − denied`. [`Grants`] computes it once
//!    a request; a check is then one bit test.
//! 4. [`Grants`] keeps the five terms, so [`Grants::explain`] can say which of them is in the way.
//!    It answers from the same value as the check.
//! 5. A refusal is a [`Denied`], which becomes a 403 [`Problem`](crate::Problem). It names the
//!    permission that is missing and what would help, never who has it.
//!
//! ```
//! use saas_core::permission::{Blocked, Grants, Permission, PermissionSet, Risk, Terms};
//!
//! struct ReadMembers;
//! impl Permission for ReadMembers {
//!     const BIT: u8 = 0;
//!     const NAME: &'static str = "members:read";
//!     const RISK: Risk = Risk::Low;
//! }
//!
//! let grants = Grants::new(Terms {
//!     plan: PermissionSet::EMPTY,
//!     ..Terms::of_roles(PermissionSet::of(ReadMembers::BIT))
//! });
//! assert!(!grants.allows::<ReadMembers>());
//! assert_eq!(grants.explain(ReadMembers::BIT).only_blocker(), Some(Blocked::Plan));
//! ```

use serde::{Deserialize, Serialize};

mod denied;
mod grants;
mod set;

pub use denied::Denied;
pub use grants::{Blocked, Grants, Terms, Verdict};
pub use set::{Bits, PermissionSet};

/// A permission, as a type: what a guard or a proof is asked for.
///
/// See the [module docs](self). Declare permissions with `saas_rbac::permissions!` rather than by
/// hand: it checks that no two of them share a bit or a name.
pub trait Permission: 'static {
    /// Where it stands in a [`PermissionSet`]. Stored, so it never changes.
    const BIT: u8;
    /// What it is called: `members:read`.
    const NAME: &'static str;
    /// How much harm it can do.
    const RISK: Risk;
}

/// How much harm a permission can do in the wrong hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// What it changes can be seen and undone.
    Low,
    /// It reaches data of many people, or what it changes is hard to undo.
    High,
    /// It reaches money, access or the existence of the tenant. Masked out of impersonation.
    Critical,
}

/// A permission as a value, for lists, matrices and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PermissionInfo {
    /// Where it stands in a [`PermissionSet`].
    pub bit: u8,
    /// What it is called: `members:read`.
    pub name: &'static str,
    /// How much harm it can do.
    pub risk: Risk,
    /// What it lets somebody do, for people.
    pub description: &'static str,
}

impl PermissionInfo {
    /// The value of `P`, described.
    #[must_use]
    pub const fn of<P: Permission>(description: &'static str) -> Self {
        Self { bit: P::BIT, name: P::NAME, risk: P::RISK, description }
    }
}
