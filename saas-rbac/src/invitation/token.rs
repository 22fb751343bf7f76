use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

/// How long a token is as text.
const LENGTH: usize = 43;

/// A new token, and what the database keeps of it.
pub(super) fn generate() -> (SecretString, [u8; 32]) {
    let mut bytes = SecretBox::new(Box::new([0_u8; 32]));
    aws_lc_rs::rand::fill(bytes.expose_secret_mut())
        .expect("the operating system gives random bytes");
    let token = SecretString::from(URL_SAFE_NO_PAD.encode(bytes.expose_secret()));
    let hash = sha256(token.expose_secret());
    (token, hash)
}

/// What the database would have kept of a token; `None` if the text cannot be one.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let is_one = text.len() == LENGTH
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    is_one.then(|| sha256(text))
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_is_new_every_time() {
        let (token, kept) = generate();
        assert_eq!(hash(token.expose_secret()), Some(kept));
        assert_eq!(token.expose_secret().len(), LENGTH);
        assert_ne!(generate().1, kept);
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        for text in ["", "x", &"x".repeat(42), &"x".repeat(44), &"%".repeat(43)] {
            assert_eq!(hash(text), None, "{text}");
        }
    }
}
