use http::{HeaderMap, header};

use super::{MAX_TOKEN_BYTES, Reject};

/// The token of the `Authorization: Bearer` header, or `None` if the request has no such header.
///
/// Nothing else is looked at: a token in the query would end in logs and histories
/// ([RFC 9700], section 4.3.2). Another scheme counts as no token; its owner may read it.
///
/// # Errors
/// [`Reject::RepeatedHeader`] if there is more than one `Authorization` header,
/// [`Reject::MalformedHeader`] if the scheme is `Bearer` and what follows is not one token of
/// [RFC 6750], section 2.1, and [`Reject::TooLong`] beyond [`MAX_TOKEN_BYTES`].
///
/// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
/// [RFC 9700]: https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Reject> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Reject::RepeatedHeader);
    }
    let value = value.as_bytes();
    let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let token = value[scheme.len()..].trim_ascii_start();
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reject::TooLong);
    }
    if !is_token68(token) {
        return Err(Reject::MalformedHeader);
    }
    str::from_utf8(token).map(Some).map_err(|_| Reject::MalformedHeader)
}

/// One or more of the characters of RFC 9110's `token68`, then padding.
fn is_token68(token: &[u8]) -> bool {
    let end = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    end > 0
        && token[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte))
}
