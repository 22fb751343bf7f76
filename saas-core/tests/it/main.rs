//! Access tokens as an attacker meets them, and the answers that a client gets.
//!
//! The names `j01` to `j39` are those of the list of cases that every verifier here must refuse.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod jwt;
#[cfg(test)]
mod mutation;
#[cfg(test)]
mod world;
