//! Which passwords are taken.

use std::collections::HashSet;

use saas_core::problem::FieldError;
use secrecy::{ExposeSecret, SecretString};

/// How many characters a password has.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;

/// How many bytes the longest one can have.
const MOST_BYTES: usize = 256 * 4;

/// With fewer different characters than this a password is a pattern.
const DIFFERENT: usize = 5;

/// What people try first, of those that are long enough; in lower case, without the digits and
/// signs at their ends.
const COMMON: &[&str] = &[
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmnop",
    "abcdefghijklmnopqrstuvwxyz",
    "administrator",
    "administrators",
    "asdfghjklasdf",
    "asdfghjklqwertyuiop",
    "basketball",
    "changeme",
    "changemenow",
    "changemeplease",
    "chelseafootball",
    "correcthorsebatterystaple",
    "defaultpassword",
    "differentpassword",
    "iloveyouforever",
    "iloveyouiloveyou",
    "iloveyousomuch",
    "ihatepasswords",
    "ilovemyfamily",
    "ilovemymother",
    "internationale",
    "jesuschrist",
    "letmeinletmein",
    "letmeinplease",
    "liverpoolfc",
    "manchesterunited",
    "masterpassword",
    "michaeljackson",
    "monkeymonkey",
    "mypasswordis",
    "newpassword",
    "nopasswordhere",
    "passw0rdpassw0rd",
    "password",
    "passwordpassword",
    "passwordispassword",
    "passwort",
    "passwortpasswort",
    "princessprincess",
    "p@ssw0rd",
    "p@ssword",
    "passw0rd",
    "qazwsxedcrfv",
    "qwertyqwerty",
    "qwertyuiop",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "qwertzuiopasdfghjkl",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "q1w2e3r4t5y6",
    "secretpassword",
    "somepassword",
    "startrekvoyager",
    "sunshinesunshine",
    "superpassword",
    "supersecret",
    "temporarypassword",
    "testpassword",
    "testtesttest",
    "thisismypassword",
    "trustno1trustno1",
    "unbelievable",
    "verysecret",
    "welcomewelcome",
    "whateverwhatever",
    "willkommen",
    "yourpassword",
    "zxcvbnmasdfghjkl",
    "zxcvbnmzxcvbnm",
];

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefused {
    /// It has fewer than 12 characters.
    #[error("the password is too short; choose one of at least 12 characters")]
    TooShort,
    /// It has more than 256 characters.
    #[error("the password is too long; choose one of at most 256 characters")]
    TooLong,
    /// It is the person's own address, or the name in it.
    #[error("the password is your own address; choose something that nobody knows")]
    IsAddress,
    /// It is among those that everybody tries first, or is a pattern.
    #[error("the password is one that many people use; choose another one")]
    TooCommon,
}

impl PasswordRefused {
    /// The name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::IsAddress => "is_address",
            Self::TooCommon => "too_common",
        }
    }

    /// The error of `field`, for a problem document.
    #[must_use]
    pub fn in_field(self, field: &'static str) -> FieldError {
        FieldError::new(field, self.code(), self.to_string())
    }
}

/// Whether `password` may be chosen by the person with the address `email`.
///
/// # Errors
/// Any [`PasswordRefused`].
pub fn check(password: &SecretString, email: &str) -> Result<(), PasswordRefused> {
    let password = password.expose_secret();
    let length = password.chars().take(LENGTH.end() + 1).count();
    if length < *LENGTH.start() {
        return Err(PasswordRefused::TooShort);
    }
    if length > *LENGTH.end() {
        return Err(PasswordRefused::TooLong);
    }
    let plain = password.trim().to_lowercase();
    let email = email.to_lowercase();
    if is_about(&plain, &email) {
        return Err(PasswordRefused::IsAddress);
    }
    if is_common(&plain) { Err(PasswordRefused::TooCommon) } else { Ok(()) }
}

/// Whether it could be anybody's.
pub(super) fn is_short_enough(password: &str) -> bool {
    password.len() <= MOST_BYTES && password.chars().count() <= *LENGTH.end()
}

/// As much of it as is ever hashed.
pub(super) fn cut(password: &str) -> &str {
    &password[..password.floor_char_boundary(MOST_BYTES)]
}

fn is_about(plain: &str, email: &str) -> bool {
    let local = email.split('@').next().unwrap_or_default();
    let name = without_ends(local);
    plain == email || plain == local || !name.is_empty() && without_ends(plain) == name
}

fn is_common(plain: &str) -> bool {
    if plain.chars().collect::<HashSet<_>>().len() < DIFFERENT {
        return true;
    }
    let digits = "01234567890123456789012345678901234567890";
    let backwards = "98765432109876543210987654321098765432109";
    let squeezed: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    digits.contains(&squeezed)
        || backwards.contains(&squeezed)
        || COMMON.contains(&squeezed.as_str())
        || COMMON.contains(&without_ends(&squeezed))
}

/// Without the digits and signs that people put around a word.
fn without_ends(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), PasswordRefused> {
        check(&password.to_owned().into(), "ann.other.person@acme.test")
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(checked("short-pass1"), Err(PasswordRefused::TooShort));
        assert_eq!(checked("lang-genug-ß"), Ok(()));
        assert_eq!(checked(&"äbcdefgh".repeat(32)), Ok(()));
        assert_eq!(checked(&format!("{}x", "äbcdefgh".repeat(32))), Err(PasswordRefused::TooLong));
        assert_eq!(checked(&"x".repeat(10_000_000)), Err(PasswordRefused::TooLong));
    }

    #[test]
    fn ones_own_address_is_refused_however_it_is_written() {
        for password in [
            "ann.other.person@acme.test",
            "Ann.Other.Person",
            "ann.other.person1!",
            " ANN.OTHER.PERSON ",
        ] {
            assert_eq!(checked(password), Err(PasswordRefused::IsAddress), "{password}");
        }
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for password in [
            "password1234",
            "Password2026!",
            "123456789012",
            "987654321098",
            "aaaaaaaaaaaa",
            "abababababab",
            "qwertyuiop123",
            "correct horse battery staple",
            "P@ssw0rd12345",
            "Administrator",
        ] {
            assert_eq!(checked(password), Err(PasswordRefused::TooCommon), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_taken_whatever_is_in_them() {
        for password in [
            "demo-password-1",
            "staple horse correct battery",
            "пароль от сервера",
            "1984 was a good year",
        ] {
            assert_eq!(checked(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn an_address_without_letters_forbids_nothing_else() {
        assert_eq!(check(&"4711 0815 / 2342".to_owned().into(), "123@acme.test"), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn no_password_makes_the_check_panic(text in "\\PC{0,300}", email in "\\PC{0,300}") {
            let _outcome = check(&text.as_str().to_owned().into(), &email);
            assert!(cut(&text).len() <= MOST_BYTES);
        }
    }
}
