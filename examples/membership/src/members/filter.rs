use super::MemberStatus;
use crate::{
    input::{Invalid, line},
    membership_types::MembershipTypeId,
};

/// Which members are meant. What is left out does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberFilter {
    /// Those whose names or address contain this.
    pub search: Option<SearchTerm>,
    /// Those who stand so.
    pub status: Option<MemberStatus>,
    /// Those of this tier.
    pub membership_type: Option<MembershipTypeId>,
}

/// A text to look for: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// How many characters a term may have.
    pub const MAX_CHARS: usize = 200;

    /// Reads a term. White space around it is dropped; `None` if nothing is left, because a search
    /// for nothing finds everything.
    ///
    /// # Errors
    /// [`Invalid`] with the code `too_long` or `invalid_characters`.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        line(text, Self::MAX_CHARS).map(|term| Some(Self(term.to_owned())))
    }

    /// The term.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the index can find the term: it knows texts by three letters or digits in a row.
    pub(super) fn is_indexed(&self) -> bool {
        self.0.split(|c: char| !c.is_alphanumeric()).any(|word| word.chars().count() >= 3)
    }

    /// The pattern of texts that contain the term.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = "%".to_owned();
        for c in self.0.chars() {
            if matches!(c, '\\' | '%' | '_') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> SearchTerm {
        SearchTerm::parse(text).unwrap().unwrap()
    }

    #[test]
    fn only_three_letters_in_a_row_can_be_found_by_the_index() {
        for text in ["ann", "a ann", "李小龍", "50%123"] {
            assert!(term(text).is_indexed(), "{text}");
        }
        for text in ["a", "an", "a-b-c", "%%%%", "李"] {
            assert!(!term(text).is_indexed(), "{text}");
        }
    }

    #[test]
    fn a_term_stands_for_itself_in_its_pattern() {
        assert_eq!(term("a%_\\").pattern(), "%a\\%\\_\\\\%");
    }
}
