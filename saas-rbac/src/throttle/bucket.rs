//! What is counted, and how long it waits.

/// How often something may fail, and how long it waits then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// How many failures cost nothing.
    pub(super) free: i32,
    /// The longest wait, in seconds.
    pub(super) longest: i32,
    /// After how many seconds without a failure all is forgotten.
    pub(super) memory: i32,
}

impl Limit {
    pub(super) const fn new(free: i32, longest: i32, memory: i32) -> Self {
        Self { free, longest, memory }
    }
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    /// A keyed hash of what is counted.
    pub(super) key: Vec<u8>,
    pub(super) limit: Limit,
}

impl Bucket {
    pub(super) const fn new(key: Vec<u8>, limit: Limit) -> Self {
        Self { key, limit }
    }
}
