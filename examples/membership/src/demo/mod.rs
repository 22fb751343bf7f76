//! The demo data: five tenants, people who sign in to them, and members whose names are of many
//! places.
//!
//! 1. The same seed gives the same people, on every machine.
//! 2. A second start adds nothing that is there already; more members than before are added to
//!    those that are there.
//! 3. A tenant's members come in one transaction, so that none is left half full.

mod load;
mod log_ins;
mod many;
mod names;
mod people;
mod places;
mod random;
mod tenants;

pub use load::{Loaded, load};
pub use log_ins::{PASSWORD, emails};

/// How many members the largest tenant has if nothing else is said.
pub const MEMBERS: u64 = 10_000;
