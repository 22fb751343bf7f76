use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How long an address may be, and the part before its `@`.
const LONGEST: (usize, usize) = (254, 64);

/// An e-mail address: trimmed, with its domain in lower case. The part before the `@` stays as it
/// was written, because mail servers may tell its cases apart; people are told apart without them.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; write it as `name@example.com`")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// [`InvalidEmail`] when mail could not be sent there, or the text could mean more than that.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = domain.to_lowercase();
        let email = format!("{local}@{domain}");
        let fits = email.len() <= LONGEST.0 && local.len() <= LONGEST.1;
        if fits && is_local(local) && is_domain(&domain) {
            Ok(Self(email))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is compared by: two addresses with the same key are one person's.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// The domain only: who it is, is no matter of a log.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email(…@{})", self.0.rsplit('@').next().unwrap_or_default())
    }
}

/// What [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3) calls a dot-atom, and
/// letters of any script.
fn is_local(local: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    !local.is_empty()
        && local.chars().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_its_domain_lowered() {
        assert_eq!(Email::parse(" Ann.Other@ACME.Test ").unwrap().as_str(), "Ann.Other@acme.test");
        assert_eq!(Email::parse("Ann@ACME.test").unwrap().key(), "ann@acme.test");
    }

    #[test]
    fn what_is_no_address_or_more_than_one_is_refused() {
        let long = format!("{}@acme.test", "x".repeat(65));
        for text in [
            "",
            "ann",
            "@acme.test",
            "ann@",
            "ann@acme",
            "ann@acme..test",
            "ann@-acme.test",
            ".ann@acme.test",
            "a..b@acme.test",
            "ann@acme.test,eve@evil.test",
            "ann@acme.test\nBcc: eve@evil.test",
            "ann\0@acme.test",
            "Ann <ann@acme.test>",
            "ann@evil@acme.test",
            "a b@acme.test",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn it_does_not_print_who_it_is() {
        assert_eq!(format!("{:?}", Email::parse("ann@acme.test").unwrap()), "Email(…@acme.test)");
    }

    proptest::proptest! {
        #[test]
        fn what_was_read_reads_the_same_again(text in "\\PC{0,80}@?\\PC{0,80}") {
            if let Ok(email) = Email::parse(&text) {
                proptest::prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                proptest::prop_assert!(email.as_str().len() <= LONGEST.0);
            }
        }
    }
}
