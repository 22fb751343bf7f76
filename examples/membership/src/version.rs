//! Versions of a row, against lost updates: whoever changes a row says which version they read.

/// Which versions a change may be made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whichever there is: `If-Match: *`.
    Any,
    /// One of these.
    OneOf(Vec<i64>),
}

impl Expected {
    /// Whether a row of this version may be changed.
    #[must_use]
    pub fn allows(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }

    /// The versions as an argument of a statement; null stands for any.
    pub(crate) fn argument(&self) -> Option<&[i64]> {
        match self {
            Self::Any => None,
            Self::OneOf(versions) => Some(versions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_versions_named_are_allowed() {
        assert!(Expected::Any.allows(7));
        assert!(Expected::OneOf(vec![1, 2]).allows(2));
        assert!(!Expected::OneOf(vec![1, 2]).allows(3));
        assert!(!Expected::OneOf(vec![]).allows(1));
    }
}
