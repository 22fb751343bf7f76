//! What stands in the database: one server for the whole binary, a database for each test.

#![expect(clippy::disallowed_types, reason = "the tests look at the database from outside")]

mod check;
mod migrate;
mod provision;
pub(crate) mod server;
#[cfg(feature = "test-util")]
mod store;
