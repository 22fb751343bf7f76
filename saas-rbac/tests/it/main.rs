//! The crate as an application meets it, and against a real PostgreSQL server.

#[cfg(test)]
#[cfg(feature = "postgres")]
mod access;
#[cfg(test)]
mod compile_fail;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod identity;
#[cfg(test)]
mod permission;
