//! The content of a file of keys.

use aws_lc_rs::hmac;
use secrecy::zeroize::Zeroizing;

use crate::vault::key::{DataKey, KEY_BYTES, KekId};

const HEAD: &str = "\
# Key-encryption keys: a version and 64 hexadecimal digits a line. The newest version wraps.
# Without this file every sealed value is lost: back it up, apart from the database.
";

/// The versions in a file, the oldest first. There is at least one.
#[derive(Debug)]
pub(super) struct Versions(Vec<Kek>);

/// A version of the key-encryption key.
#[derive(Debug)]
pub(super) struct Kek {
    number: u32,
    pub(super) id: KekId,
    pub(super) key: DataKey,
}

impl Kek {
    fn new(number: u32, key: DataKey) -> Self {
        // A few digits that belong to the key: another file with the same numbers is told apart.
        let mac = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let tag = hmac::sign(&mac, b"saas-vault key file 1");
        let id = tag.as_ref()[..4].iter().copied().fold(format!("file:{number}:"), push_hex);
        Self { number, id: KekId::new(id), key }
    }
}

impl Versions {
    /// A first version.
    pub(super) fn first() -> Self {
        Self(vec![Kek::new(1, DataKey::generate())])
    }

    /// These and a new one.
    pub(super) fn with_next(mut self) -> Self {
        let number = self.newest().number.saturating_add(1);
        self.0.push(Kek::new(number, DataKey::generate()));
        self
    }

    pub(super) fn newest(&self) -> &Kek {
        self.0.last().expect("a file without a version is not read")
    }

    pub(super) fn find(&self, id: &KekId) -> Option<&Kek> {
        self.0.iter().find(|kek| kek.id == *id)
    }

    /// Reads a file; `None` when it has no key. An error is the number of the line.
    pub(super) fn parse(text: &[u8]) -> Result<Option<Self>, usize> {
        let mut versions: Vec<Kek> = Vec::new();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let kek = kek(line).ok_or(number)?;
            // In ascending order, so that no version is there twice.
            if versions.last().is_some_and(|last| last.number >= kek.number) {
                return Err(number);
            }
            versions.push(kek);
        }
        Ok((!versions.is_empty()).then_some(Self(versions)))
    }

    pub(super) fn to_text(&self) -> Zeroizing<Vec<u8>> {
        let longest = "4294967295 \n".len() + 2 * KEY_BYTES;
        let mut text = Zeroizing::new(Vec::with_capacity(HEAD.len() + longest * self.0.len()));
        text.extend_from_slice(HEAD.as_bytes());
        for kek in &self.0 {
            text.extend_from_slice(kek.number.to_string().as_bytes());
            text.push(b' ');
            for byte in kek.key.expose() {
                text.extend([byte >> 4, byte & 15].map(digit));
            }
            text.push(b'\n');
        }
        text
    }
}

/// A buffer for a file of this length that need not grow while it is read.
pub(super) fn room(length: u64) -> usize {
    usize::try_from(length).map_or(0, |length| length + 32)
}

fn kek(line: &[u8]) -> Option<Kek> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let number = str::from_utf8(&line[..space]).ok()?.parse().ok()?;
    let digits = line[space..].trim_ascii();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(Kek::new(number, DataKey::from_slice(&*key)?))
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

fn push_hex(mut text: String, byte: u8) -> String {
    text.extend([byte >> 4, byte & 15].map(|nibble| char::from(digit(nibble))));
    text
}
