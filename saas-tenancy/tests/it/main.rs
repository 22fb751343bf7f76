//! The crate as an application meets it, and against a real PostgreSQL server.

#[cfg(test)]
#[cfg(all(feature = "embedded", feature = "test-util"))]
mod audit;
#[cfg(feature = "postgres")]
mod compile_fail;
#[cfg(test)]
#[cfg(feature = "embedded")]
mod database;
#[cfg(test)]
#[cfg(all(feature = "redis", feature = "embedded"))]
mod redis;
#[cfg(test)]
#[cfg(feature = "axum")]
mod requests;
#[cfg(test)]
#[cfg(all(feature = "embedded", feature = "vault", feature = "test-util"))]
mod vault;
