//! Preparing databases, and giving tenants their homes.

#![expect(clippy::disallowed_types, reason = "provisioning runs on an administrator's connection")]

mod error;
mod roles;
mod step;
mod verifier;

pub use error::ProvisionError;
pub use roles::{APP_ROLE, AppPassword, bootstrap};
pub use step::Step;
