//! Versions as programs print them.

use std::fmt;

/// A version's first two numbers; more never matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Version {
    /// Reads the first version in what a program printed.
    pub(crate) fn find(text: &str) -> Option<Self> {
        text.split([' ', '\n', '@', '-', '/', '(', ',', '=']).find_map(Self::of_word)
    }

    fn of_word(word: &str) -> Option<Self> {
        let mut numbers = word.strip_prefix('v').unwrap_or(word).split('.');
        let major = leading_number(numbers.next()?)?;
        let minor = numbers.next().and_then(leading_number).unwrap_or(0);
        Some(Self(major, minor))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor) = self;
        if *minor == 0 { write!(f, "{major}") } else { write!(f, "{major}.{minor}") }
    }
}

/// `18beta1` counts as 18.
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        for (text, version) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", Version(15, 14)),
            ("postgres (PostgreSQL) 18beta1", Version(18, 0)),
            ("PgBouncer 1.18.0\nlibevent 2.1.12-stable", Version(1, 18)),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Version(7, 0)),
            ("v20.20.2", Version(20, 20)),
            ("GNU bash, version 5.2.15(1)-release", Version(5, 2)),
            ("/usr/lib/postgresql/9/bin", Version(9, 0)),
        ] {
            assert_eq!(Version::find(text), Some(version), "{text}");
        }
        assert_eq!(Version::find("no number here"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Version(1, 9) < Version(1, 18));
        assert!(Version(9, 6) < Version(14, 0));
    }
}
