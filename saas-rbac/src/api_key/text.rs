//! What a key looks like.

use std::fmt;

use aws_lc_rs::hmac;
use saas_core::ApiKeyId;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use uuid::Uuid;

/// Digits that are read aloud and typed without mistakes: no `0`, `1`, `8`, `9`, no capitals.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The lengths of 16, 32 and 4 bytes in that alphabet.
const ID: usize = 26;
const SECRET: usize = 52;
const CHECK: usize = 7;

/// The secret part of a key.
pub(super) type Secret = SecretBox<[u8; 32]>;

/// A text cannot begin keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prefix is 1 to 20 lower-case letters, digits and `_`, like `sk_live`")]
pub struct InvalidPrefix;

/// How the keys of an application begin, and with which key their secrets are hashed.
#[derive(Clone)]
pub struct KeyFormat {
    prefix: String,
    key: hmac::Key,
}

impl KeyFormat {
    /// Keys that begin with `prefix`: `sk_live`, and `sk_test` elsewhere, so that a key for the one
    /// is refused by the other. `server_key` hashes the secrets; without it a copy of the database
    /// is no use.
    ///
    /// # Errors
    /// [`InvalidPrefix`] when the prefix would be ambiguous.
    pub fn new(prefix: &str, server_key: &SecretBox<[u8; 32]>) -> Result<Self, InvalidPrefix> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=20).contains(&prefix.len()) || !prefix.bytes().all(plain) {
            return Err(InvalidPrefix);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, server_key.expose_secret());
        Ok(Self { prefix: prefix.to_owned(), key })
    }

    /// A new secret for the key `id`, as text and hashed.
    pub(super) fn generate(&self, id: ApiKeyId) -> (SecretString, [u8; 32]) {
        let mut secret = SecretBox::new(Box::new([0_u8; 32]));
        aws_lc_rs::rand::fill(secret.expose_secret_mut())
            .expect("the operating system gives random bytes");
        (self.write(id, &secret), self.hash(id, &secret))
    }

    /// What people may see of a key: `sk_live_…`, with the end of its id.
    pub(super) fn shown(&self, id: ApiKeyId) -> String {
        let id = encode(id.as_uuid().as_bytes());
        format!("{}_…{}", self.prefix, &id[ID - 6..])
    }

    fn write(&self, id: ApiKeyId, secret: &Secret) -> SecretString {
        let id = encode(id.as_uuid().as_bytes());
        let body = format!("{}_{id}_{}", self.prefix, encode(secret.expose_secret()));
        let check = encode(&crc32fast::hash(body.as_bytes()).to_be_bytes());
        format!("{body}{check}").into()
    }

    /// Reads a key; `None` if it is none of ours, which its check digits tell.
    pub(super) fn parse(&self, text: &str) -> Option<(ApiKeyId, Secret)> {
        let rest = text.strip_prefix(&self.prefix)?.strip_prefix('_')?;
        if rest.len() != ID + 1 + SECRET + CHECK || !rest.is_ascii() {
            return None;
        }
        let (body, check) = text.split_at(text.len() - CHECK);
        if decode::<4>(check)? != crc32fast::hash(body.as_bytes()).to_be_bytes() {
            return None;
        }
        let secret = rest[ID..].strip_prefix('_')?;
        let id = Uuid::from_bytes(decode(&rest[..ID])?);
        let secret = SecretBox::new(Box::new(decode(&secret[..SECRET])?));
        Some((ApiKeyId::from_uuid(id), secret))
    }

    /// What the database holds of a secret. It is bound to the key: swapped rows let nobody in.
    pub(super) fn hash(&self, id: ApiKeyId, secret: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"saas api key 1\0");
        context.update(id.as_uuid().as_bytes());
        context.update(secret.expose_secret());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

impl fmt::Debug for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFormat").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Five bits a character; the last one is filled up with zeros.
fn encode(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let digit = |at: usize| (at..at + 5).fold(0, |value, at| value << 1 | usize::from(bit(at)));
    (0..bytes.len() * 8).step_by(5).map(|at| char::from(ALPHABET[digit(at)])).collect()
}

/// Reads exactly what [`encode`] wrote: one text a value.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    for (place, letter) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|known| *known == letter)?;
        for bit in (0..5).filter(|bit| digit >> (4 - bit) & 1 == 1) {
            let at = place * 5 + bit;
            *bytes.get_mut(at / 8)? |= 0x80 >> (at % 8);
        }
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn format(prefix: &str) -> KeyFormat {
        KeyFormat::new(prefix, &SecretBox::new(Box::new([7; 32]))).unwrap()
    }

    fn id() -> ApiKeyId {
        ApiKeyId::from_uuid(Uuid::from_u128(0x0123_4567_89ab_cdef))
    }

    #[test]
    fn a_key_reads_back_and_shows_little_of_itself() {
        let format = format("sk_live");
        let (text, hash) = format.generate(id());
        let (read, secret) = format.parse(text.expose_secret()).unwrap();
        assert_eq!((read, format.hash(read, &secret)), (id(), hash));
        assert_eq!(text.expose_secret().len(), "sk_live_".len() + ID + 1 + SECRET + CHECK);
        assert!(format.shown(id()).len() < 20);
        assert_eq!(format!("{format:?}"), "KeyFormat { prefix: \"sk_live\", .. }");
    }

    #[test]
    fn a_key_of_another_environment_is_none() {
        let (text, _) = format("sk_test").generate(id());
        assert!(format("sk_live").parse(text.expose_secret()).is_none());
    }

    #[test]
    fn the_hash_depends_on_the_key_the_id_and_the_secret() {
        let (one, other) = (format("a"), KeyFormat::new("a", &SecretBox::new(Box::new([8; 32]))));
        let secret = |fill| SecretBox::new(Box::new([fill; 32]));
        let hash = one.hash(id(), &secret(1));
        assert_ne!(hash, other.unwrap().hash(id(), &secret(1)));
        assert_ne!(hash, one.hash(ApiKeyId::from_uuid(Uuid::nil()), &secret(1)));
        assert_ne!(hash, one.hash(id(), &secret(2)));
    }

    #[test]
    fn prefixes_are_plain() {
        let key = SecretBox::new(Box::new([7; 32]));
        for wrong in ["", "SK", "sk-live", "sk live", &"x".repeat(21)] {
            assert!(KeyFormat::new(wrong, &key).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn bytes_have_one_text(bytes: [u8; 32]) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn a_text_with_another_letter_is_refused(at in 0_usize..94, letter in any::<char>()) {
            let format = format("sk_live");
            let (text, _) = format.generate(id());
            let changed: String = text.expose_secret().char_indices()
                .map(|(place, old)| if place == at { letter } else { old }).collect();
            let same = changed == text.expose_secret();
            prop_assert_eq!(format.parse(&changed).is_some(), same);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let format = format("sk");
            prop_assert!(format.parse(&text).is_none());
            let prefixed = ["sk_", &text].concat();
            prop_assert!(format.parse(&prefixed).is_none());
        }
    }
}
