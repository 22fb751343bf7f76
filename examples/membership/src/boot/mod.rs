//! From nothing to a database that is safe to serve from.
//!
//! 1. [`open`](backend::Backend::open) finds the database, or starts a private one. It changes nothing in it.
//! 2. [`prepare`](backend::Backend::prepare) makes roles and tables, finishes what a crash interrupted, and refuses a
//!    database that would not keep tenants apart.
//! 3. [`stop`](backend::Backend::stop) stops the private server, once its data is written out.

mod admin;
pub mod backend;
pub mod check;
pub mod data;
pub mod greeting;
pub mod migrations;
mod place;
pub mod plane;
pub mod progress;
