//! Code that pages of the book show. `docs/src/extend` includes it from here.

mod a_resolver;
mod a_store;
