use std::fmt;

use serde::Serialize;

use crate::input::{Invalid, line};

/// The longest address that mail can be sent to, in bytes (RFC 5321, section 4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// The longest part in front of the `@`, in bytes.
const MAX_LOCAL_BYTES: usize = 64;

/// An e-mail address, as its owner wrote it.
///
/// Two addresses that differ only by case are the same one to [`key`](Self::key) and to the
/// database. Quoted local parts, comments and address literals are refused: they are valid in
/// theory, and mistakes in practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address. White space around it is dropped.
    ///
    /// # Errors
    /// [`Invalid`] with the code `required`, `too_long`, `invalid_characters` or `invalid_email`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, MAX_BYTES)?;
        if text.len() > MAX_BYTES {
            return Err(Invalid::new("too_long", "must have at most 254 bytes"));
        }
        match text.rsplit_once('@') {
            Some((local, domain)) if is_local(local) && is_domain(domain) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Invalid::new(
                "invalid_email",
                "must be an e-mail address, such as `ada@example.com`",
            )),
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address in lower case, which is what tells addresses apart.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Words of letters, digits and the marks of RFC 5322, joined by single dots.
fn is_local(local: &str) -> bool {
    local.len() <= MAX_LOCAL_BYTES
        && local.split('.').all(|word| !word.is_empty() && word.chars().all(is_local_char))
}

fn is_local_char(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c)
}

/// At least two labels of letters, digits and inner hyphens; the last one is no number.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(label) && !last.chars().all(|c| c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_addresses_are_accepted_as_written() {
        for text in [
            "ada@example.com",
            "Ada.Lovelace+news@Mail.Example.co.uk",
            "o'brien@example.ie",
            "jörg@müller.example",
            "a@b.xn--p1ai",
            "用户@例子.公司",
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Email::parse(" ada@example.com\n").unwrap().as_str(), "ada@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        for text in [
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@example..com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@10.0.0.1",
            "ada@[10.0.0.1]",
            "a da@example.com",
            "a@b@example.com",
            "\"ada\"@example.com",
            "ada@example.com,eve@example.com",
            "<ada@example.com>",
            &long_local,
        ] {
            assert_eq!(Email::parse(text).unwrap_err().code, "invalid_email", "{text}");
        }
    }

    #[test]
    fn length_and_characters_are_limited() {
        let long = format!("a@{}.com", "b".repeat(260));
        assert_eq!(Email::parse(&long).unwrap_err().code, "too_long");
        assert_eq!(Email::parse("a\0@example.com").unwrap_err().code, "invalid_characters");
        assert_eq!(Email::parse("").unwrap_err().code, "required");
    }

    #[test]
    fn addresses_that_differ_by_case_have_one_key() {
        let key = |text| Email::parse(text).unwrap().key();
        assert_eq!(key("ADA@Example.COM"), key("ada@example.com"));
    }

    proptest! {
        #[test]
        fn an_address_reads_back_as_itself(local in "[a-z0-9+]{1,20}", domain in "[a-z]{1,20}\\.[a-z]{2,6}") {
            let text = format!("{local}@{domain}");
            prop_assert_eq!(Email::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,300}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.as_str().len() <= MAX_BYTES);
            }
        }
    }
}
