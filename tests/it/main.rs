//! What the crates promise together, proven on the real thing. Each module is a promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod book;
mod isolation;
