//! An enterprise membership platform on the `saas` crates.

pub mod error;
pub mod idempotency;
pub mod input;
pub mod members;
pub mod membership_types;
pub mod routes;
pub mod state;
pub mod version;
