//! What the workspace's integration tests share: a server, proxies before it, a load generator, and a
//! world with tenants in it.

pub mod load;
pub mod pgbouncer;
pub mod proxy;
pub mod redis;
pub mod server;
pub mod world;

/// The pages with code of their own. Pages that only include code from the crates need no entry.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
}
