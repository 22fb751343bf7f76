//! What the workspace's integration tests share, and the pages whose code is compiled.

pub mod pgbouncer;

/// The pages with code of their own. Pages that only include code from the crates need no entry.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
}
