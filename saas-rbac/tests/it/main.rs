//! The crate as an application meets it.

#[cfg(test)]
mod compile_fail;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod identity;
#[cfg(test)]
mod permission;
