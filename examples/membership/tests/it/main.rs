//! The application as a client meets it, on a real PostgreSQL server.

#[cfg(test)]
mod app;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod members;
#[cfg(test)]
mod membership_types;
