//! What the crates promise together, proven on the real thing. Each module is a promise.

mod isolation;
