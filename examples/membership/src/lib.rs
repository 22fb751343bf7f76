//! An enterprise membership platform on the `saas` crates.

pub mod error;
pub mod routes;
pub mod state;
