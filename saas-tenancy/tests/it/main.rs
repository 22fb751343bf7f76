//! The crate as an application meets it, and against a real PostgreSQL server.

#[cfg(test)]
#[cfg(feature = "embedded")]
mod database;
#[cfg(test)]
#[cfg(feature = "axum")]
mod requests;
