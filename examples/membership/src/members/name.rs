use std::fmt;

use serde::Serialize;

use crate::input::{Invalid, line};

/// A first or last name: 1 to 100 characters of any script, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    /// How many characters a name may have.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name. White space around it is dropped.
    ///
    /// # Errors
    /// [`Invalid`] with the code `required`, `too_long` or `invalid_characters`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, Self::MAX_CHARS).map(|name| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_are_names() {
        for name in ["O'Brien", "Zoë-Marie", "李", "نور", "X Æ A-12", "=1+1", "Ana 🎉"] {
            assert_eq!(PersonName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_has_at_most_a_hundred_characters() {
        assert!(PersonName::parse(&"é".repeat(100)).is_ok());
        assert_eq!(PersonName::parse(&"é".repeat(101)).unwrap_err().code, "too_long");
    }
}
