//! `/members`, as a client meets them.

mod bad_input;
mod bulk;
mod counts;
mod csv;
mod idempotency;
mod list;
mod one;
mod people;
mod statements;
