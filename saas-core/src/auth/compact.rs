use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{MAX_TOKEN_BYTES, Reject};

/// The only value of `typ` ([RFC 9068], section 2.1).
///
/// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
pub(super) const TYPE: &str = "at+jwt";

/// The header of an access token. There is nothing else in it: no key, no address of one, no
/// compression, no critical extension.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) typ: String,
    pub(super) alg: String,
    pub(super) kid: String,
}

/// A token in its three parts. Nothing of it is trusted yet.
pub(super) struct Compact<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What the signature is about.
    pub(super) signed: &'a str,
}

impl<'a> Compact<'a> {
    /// Cuts `raw` into header, payload and signature, each of base64url characters.
    pub(super) fn split(raw: &'a str) -> Result<Self, Reject> {
        if raw.len() > MAX_TOKEN_BYTES {
            return Err(Reject::TooLong);
        }
        let (signed, signature) = raw.rsplit_once('.').ok_or(Reject::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(Reject::Segments)?;
        let parts = [header, payload, signature];
        if !parts.iter().all(|part| !part.is_empty() && part.bytes().all(is_base64url)) {
            return Err(Reject::Segments);
        }
        Ok(Self { header, payload, signature, signed })
    }

    pub(super) fn header(&self) -> Result<Header, Reject> {
        object(self.header).ok_or(Reject::Header)
    }

    pub(super) fn signature(&self) -> Result<Vec<u8>, Reject> {
        decode(self.signature).ok_or(Reject::Signature)
    }

    /// To be read only after the signature has been checked.
    pub(super) fn payload<T: DeserializeOwned>(&self) -> Result<T, Reject> {
        object(self.payload).ok_or(Reject::Claims)
    }
}

/// Base64url without padding.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The inverse of [`encode`], refusing every other way to write the same bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn object<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = decode(part)?;
    // A derived `Deserialize` would take an array with the fields in order as well.
    bytes.starts_with(b"{").then(|| serde_json::from_slice(&bytes).ok()).flatten()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
