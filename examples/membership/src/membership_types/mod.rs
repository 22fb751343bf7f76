//! The tiers of a tenant: what they are called, what they cost, what they include.
//!
//! A type that members belong to cannot be deleted, and two types of a tenant differ by more than
//! the case of their names.

mod error;
mod membership_type;
mod price;
mod store;

pub use error::MembershipTypeError;
pub use membership_type::{
    Features, Interval, MembershipType, MembershipTypeChange, MembershipTypeId, TypeName,
};
pub use price::{Currency, Price};
pub use store::{MAX_TYPES, create, delete, get, ids_by_name, list, statements, update};
