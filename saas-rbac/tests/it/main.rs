//! The crate as an application meets it.

#[cfg(test)]
mod compile_fail;
#[cfg(test)]
mod permission;
