//! The migrations of one plane, in their order.

use aws_lc_rs::digest::{Context, SHA256};

/// A list of migrations, checked when it is made: best as a `const`, so that a mistake stops the
/// build.
#[derive(Debug, Clone, Copy)]
pub struct Migrations(&'static [(&'static str, &'static str)]);

impl Migrations {
    /// Lists files as `(name, sql)`. A name begins with its version: `0001_members`.
    ///
    /// # Panics
    /// When a name has no version above zero in front of `_`, or the versions do not grow.
    #[must_use]
    pub const fn new(files: &'static [(&'static str, &'static str)]) -> Self {
        let mut at = 0;
        let mut last = 0;
        while at < files.len() {
            let version = version_of(files[at].0);
            assert!(version > last, "the versions of migrations must grow from file to file");
            last = version;
            at += 1;
        }
        Self(files)
    }

    /// The migrations, first one first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Migration> + use<> {
        self.0.iter().map(|&(name, sql)| Migration { version: version_of(name), name, sql })
    }
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number its name begins with; migrations run in this order.
    pub version: i64,
    /// Its name, with the number.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of the statements, the same for every style of line ends.
    #[must_use]
    pub fn checksum(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for part in self.sql.split("\r\n").enumerate() {
            let (at, text) = part;
            if at > 0 {
                context.update(b"\n");
            }
            context.update(text.as_bytes());
        }
        let mut sum = [0; 32];
        sum.copy_from_slice(context.finish().as_ref());
        sum
    }
}

const fn version_of(name: &str) -> i64 {
    let bytes = name.as_bytes();
    let mut at = 0;
    let mut version: i64 = 0;
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        // At most 18 digits fit, so neither step overflows.
        assert!(at < 18, "the version of a migration has at most 18 digits");
        version = version * 10 + (bytes[at] - b'0') as i64;
        at += 1;
    }
    assert!(
        version > 0 && at < bytes.len() && bytes[at] == b'_',
        "the name of a migration is a number above zero, `_` and words: `0001_members`"
    );
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number_in_front() {
        let list = Migrations::new(&[("0001_a", ""), ("20261121090000_b", "")]);
        let versions: Vec<_> = list.iter().map(|one| one.version).collect();
        assert_eq!(versions, [1, 20_261_121_090_000]);
    }

    #[test]
    fn names_without_a_growing_version_are_refused() {
        let wrong: [&'static [(&str, &str)]; 5] = [
            &[("members", "")],
            &[("0000_members", "")],
            &[("0001members", "")],
            &[("0001_a", ""), ("1_b", "")],
            &[("0002_a", ""), ("0001_b", "")],
        ];
        for files in wrong {
            assert!(std::panic::catch_unwind(|| Migrations::new(files)).is_err(), "{files:?}");
        }
    }

    #[test]
    fn line_ends_do_not_change_the_checksum_but_everything_else_does() {
        let sum = |sql| Migration { version: 1, name: "1_a", sql }.checksum();
        assert_eq!(sum("a\nb\n"), sum("a\r\nb\r\n"));
        assert_ne!(sum("a\nb"), sum("ab"));
        assert_ne!(sum("a\rb"), sum("a\nb"));
    }
}
