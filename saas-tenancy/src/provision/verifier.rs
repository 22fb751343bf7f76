//! What the server keeps instead of a password, so that neither its logs nor its tables hold one.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

/// The rounds that the server itself uses. The password is a key already: more would add nothing.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).expect("is not zero");

/// The SCRAM-SHA-256 verifier of a password (RFC 5803), with a salt of its own each time.
pub(super) fn verifier(password: &SecretString) -> SecretString {
    let mut salt = [0; 16];
    rand::fill(&mut salt).expect("the operating system gives random bytes");
    let mut salted = [0; 32];
    let bytes = password.expose_secret().as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, bytes, &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client = hmac::sign(&key, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client.as_ref());
    let server = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(server),
    )
    .into()
}
