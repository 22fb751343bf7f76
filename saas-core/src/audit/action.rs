use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What was done: `thing.verb`, as `member.create` or `api_key.rotate`.
///
/// Two or more words of small letters, digits and `_`, joined by dots; at most 100 bytes.
///
/// ```
/// use saas_core::audit::Action;
///
/// const CREATED: Action = Action::literal("member.create"); // a mistake stops the build
/// assert_eq!("member.create".parse(), Ok(CREATED));
/// assert!("Member created".parse::<Action>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Action(Cow<'static, str>);

impl Action {
    /// An action that the program names.
    ///
    /// # Panics
    /// When it is not of the form `thing.verb`; in a `const` that stops the build.
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        assert!(is_action(text.as_bytes()), "an action has the form `thing.verb`");
        Self(Cow::Borrowed(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Action {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Action {
    type Error = InvalidAction;

    fn try_from(text: String) -> Result<Self, InvalidAction> {
        if is_action(text.as_bytes()) { Ok(Self(Cow::Owned(text))) } else { Err(InvalidAction) }
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.0.into_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is no [`Action`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `thing.verb` of small letters, digits and `_`, such as `member.create`")]
pub struct InvalidAction;

const fn is_action(text: &[u8]) -> bool {
    let (mut at, mut dots, mut starts) = (0, 0, true);
    while at < text.len() {
        match text[at] {
            b'a'..=b'z' => starts = false,
            b'0'..=b'9' | b'_' if !starts => {}
            b'.' if !starts => {
                dots += 1;
                starts = true;
            }
            _ => return false,
        }
        at += 1;
    }
    dots > 0 && !starts && text.len() <= 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_two_or_more_plain_words() {
        for text in ["a.b", "member.create", "api_key.rotate", "billing.invoice.pay2"] {
            assert_eq!(text.parse::<Action>().unwrap().as_str(), text);
        }
        let long = format!("a.{}", "b".repeat(99));
        for text in ["", ".", "a", "a.", ".a", "a..b", "A.b", "a.2b", "a. b", "a.b'", "é.b", &long]
        {
            assert_eq!(text.parse::<Action>(), Err(InvalidAction), "{text}");
        }
    }

    #[test]
    fn json_cannot_bring_in_another_form() {
        assert!(serde_json::from_str::<Action>("\"drop table\"").is_err());
        assert!(serde_json::from_str::<Action>("\"member.create\"").is_ok());
    }
}
