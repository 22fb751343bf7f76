//! The cases of the list, by the step of the verifier that refuses them.

mod claims;
mod form;
mod header;
mod keys;
mod times;
mod transport;
