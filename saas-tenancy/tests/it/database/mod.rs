//! What stands in the database: one server for the whole binary, a database for each test.

#![expect(clippy::disallowed_types, reason = "the tests look at the database from outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod migrate;
mod provision;
mod server;
