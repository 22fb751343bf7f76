//! Code that pages of the book show, and the names of tests that a page tells of.

mod a_resolver;
mod a_store;
mod asvs;
mod audit;
