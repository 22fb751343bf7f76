//! The routes, one file a resource.

pub mod extract;
pub mod members;
pub mod membership_types;
