//! The crate as an application meets it, and against a real PostgreSQL server.

#[cfg(test)]
#[cfg(feature = "postgres")]
mod access;
#[cfg(test)]
#[cfg(all(feature = "axum", feature = "postgres"))]
mod book;
#[cfg(test)]
mod compile_fail;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod identity;
#[cfg(test)]
#[cfg(feature = "oidc")]
mod oidc;
#[cfg(test)]
mod permission;
