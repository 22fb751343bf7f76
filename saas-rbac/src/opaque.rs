//! Credentials that mean nothing by themselves: 256 random bits, of which the database keeps the
//! digest alone. Whoever reads the table cannot use them, and there is nothing to guess.

use std::fmt;

use aws_lc_rs::{digest, error::Unspecified, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// How many random bytes there are.
const BYTES: usize = 32;

/// How many characters its text has.
const CHARACTERS: usize = 43;

/// 256 bits that nobody can guess.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Opaque([u8; BYTES]);

impl Opaque {
    /// New ones.
    ///
    /// # Errors
    /// [`Unspecified`] when the machine has no random bytes to give.
    pub(crate) fn random() -> Result<Self, Unspecified> {
        let mut bytes = [0; BYTES];
        rand::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Ones that were derived from others.
    pub(crate) const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// What a client presents; `None` when it cannot be one of ours. There is one text for each.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != CHARACTERS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// What a client gets.
    pub(crate) fn to_text(&self) -> SecretString {
        URL_SAFE_NO_PAD.encode(self.0).into()
    }

    /// What a table keeps.
    pub(crate) fn digest(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, &self.0).as_ref().to_vec()
    }

    /// The bits themselves, to derive others from.
    pub(crate) const fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_text_leads_back_to_the_bits() {
        let made = Opaque::random().unwrap();
        let text = made.to_text();
        assert_eq!(text.expose_secret().len(), CHARACTERS);
        assert_eq!(Opaque::parse(text.expose_secret()), Some(made));
    }

    #[test]
    fn a_second_text_for_the_same_bits_is_refused() {
        // The last character of 43 carries four bits; the other two must be zero.
        let text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(Opaque::parse(text).is_some());
        for other in ["B", "C", "D", "="] {
            let text = format!("{}{other}", &text[..CHARACTERS - 1]);
            assert_eq!(Opaque::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn it_does_not_print_itself() {
        assert_eq!(format!("{:?}", Opaque::from_bytes([7; BYTES])), "Opaque(…)");
    }
}
