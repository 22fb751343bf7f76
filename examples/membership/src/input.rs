//! What is wrong with a value that came from outside, and how several such faults become one
//! answer.
//!
//! A value is parsed once, into a type that cannot hold anything else. The parser says [`Invalid`]
//! without knowing which field it reads; [`Faults`] adds the field and collects.
//!
//! ```
//! use membership::{input::Faults, members::{Email, PersonName}};
//!
//! let mut faults = Faults::new();
//! let name = faults.check("first_name", PersonName::parse("  Zoë "));
//! let email = faults.check("email", Email::parse("zoe.example.com"));
//! let error = faults.finish(name.zip(email)).unwrap_err();
//! assert_eq!(error.problem().errors()[0].field, "email");
//! ```

use std::{borrow::Cow, fmt};

use saas_core::{Problem, problem::FieldError};

use crate::error::AppError;

/// Why a value is refused: a code for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong, for programs: `required`, `too_long`.
    pub code: &'static str,
    /// What would be right.
    pub detail: Cow<'static, str>,
}

impl Invalid {
    /// A fault with this code.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The fault as one of `field`.
    #[must_use]
    pub fn of(self, field: impl Into<Cow<'static, str>>) -> FieldError {
        FieldError::new(field, self.code, self.detail)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Invalid {}

/// The faults of one input, field by field.
#[derive(Debug, Default)]
#[must_use = "faults that nobody looks at refuse nothing"]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or `None` and a fault of `field`.
    pub fn check<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        parsed: Result<T, Invalid>,
    ) -> Option<T> {
        parsed.map_err(|fault| self.0.push(fault.of(field))).ok()
    }

    /// The same for a value that may be left out: `None` if it is, or if it is wrong.
    pub fn check_some<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        parsed: Option<Result<T, Invalid>>,
    ) -> Option<T> {
        parsed.and_then(|parsed| self.check(field, parsed))
    }

    /// Adds a fault.
    pub fn add(&mut self, fault: FieldError) {
        self.0.push(fault);
    }

    /// What was made of the input, if nothing was wrong with it.
    ///
    /// # Errors
    /// A problem with status 422 that lists the faults.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, AppError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Problem::validation(self.0).into()),
        }
    }
}

/// A trimmed line of text: at least one character, at most `max`, none of them a control character.
///
/// # Errors
/// [`Invalid`] with the code `required`, `too_long` or `invalid_characters`.
pub fn line(text: &str, max: usize) -> Result<&str, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new("required", "must not be empty"));
    }
    // Bytes first: counting the characters of a huge text is not for free.
    if text.len() > max * 4 || text.chars().count() > max {
        return Err(Invalid::new("too_long", format!("must have at most {max} characters")));
    }
    if text.contains(is_unprintable) {
        return Err(Invalid::new("invalid_characters", "must not contain control characters"));
    }
    Ok(text)
}

/// Control characters, and the marks that turn the direction of the text around them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_may_be_of_any_script() {
        assert_eq!(line("  田中 🎉 ", 10), Ok("田中 🎉"));
    }

    #[test]
    fn a_line_is_refused_with_the_code_of_its_fault() {
        let code = |text: &str| line(text, 3).unwrap_err().code;
        assert_eq!(code(" \t "), "required");
        assert_eq!(code("abcd"), "too_long");
        assert_eq!(code("a\0b"), "invalid_characters");
        assert_eq!(code("a\u{202E}b"), "invalid_characters");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(line("🎉🎉🎉", 3).is_ok());
    }

    #[test]
    fn all_faults_of_an_input_are_told_at_once() {
        let mut faults = Faults::new();
        let a = faults.check("a", line("", 3));
        let b = faults.check("b", line("abcd", 3));
        let error = faults.finish(a.zip(b)).unwrap_err();
        let fields: Vec<_> = error.problem().errors().iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["a", "b"]);
    }
}
