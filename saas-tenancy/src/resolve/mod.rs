//! From a request to the name of its tenant.

mod host;

pub use host::HostName;
