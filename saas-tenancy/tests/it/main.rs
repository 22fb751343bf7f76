//! The crate as an application meets it.

#[cfg(test)]
#[cfg(feature = "axum")]
mod requests;
