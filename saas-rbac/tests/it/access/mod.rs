//! Who may do what, in the database and in front of it.

#![expect(clippy::disallowed_types, reason = "the tests look at the database from outside, too")]

mod api_keys;
mod authorizer;
mod club;
mod escalation;
mod guards;
mod impersonation;
mod invitations;
mod publish;
mod races;
mod roles;
mod team;
mod triggers;
