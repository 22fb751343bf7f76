use http::HeaderMap;
use saas_core::auth::bearer;
use secrecy::SecretString;

use super::refused::Refused;
use crate::session::{CookieKind, Cookies};

/// How an API key begins. No access token begins so.
const KEY: &str = "sk_";

/// The credential of a request, unchecked.
pub(super) enum Presented<'a> {
    Nothing,
    Token(&'a str),
    Key(&'a str),
    Cookie(SecretString),
}

impl<'a> Presented<'a> {
    /// The one credential that a request has. Cookies count only if they are taken at all.
    pub(super) fn read(headers: &'a HeaderMap, cookies: Option<&Cookies>) -> Result<Self, Refused> {
        let cookie = cookies.and_then(|cookies| cookies.read(CookieKind::Session, headers));
        match (bearer(headers)?, cookie) {
            (Some(_), Some(_)) => Err(Refused::TwoCredentials),
            (Some(key), None) if key.starts_with(KEY) => Ok(Self::Key(key)),
            (Some(token), None) => Ok(Self::Token(token)),
            (None, Some(secret)) => Ok(Self::Cookie(secret)),
            (None, None) => Ok(Self::Nothing),
        }
    }

    /// Its name as a label.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Token(_) => "token",
            Self::Key(_) => "key",
            Self::Cookie(_) => "cookie",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Transport;
    use http::{HeaderName, header};

    fn kind(lines: &[(HeaderName, &str)]) -> Result<&'static str, &'static str> {
        let headers =
            lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let cookies = Cookies::new(Transport::Plain);
        let read = Presented::read(&headers, Some(&cookies));
        read.map(|presented| presented.kind()).map_err(|refused| refused.outcome())
    }

    #[test]
    fn a_request_has_one_credential_or_none() {
        let token = (header::AUTHORIZATION, "Bearer a.b.c");
        let key = (header::AUTHORIZATION, "Bearer sk_live_abc");
        let basic = (header::AUTHORIZATION, "Basic YTpi");
        let cookie = (header::COOKIE, "session=abc");
        let refresh = (header::COOKIE, "refresh=abc");
        assert_eq!(kind(&[]), Ok("none"));
        assert_eq!(kind(&[basic]), Ok("none"));
        assert_eq!(kind(std::slice::from_ref(&token)), Ok("token"));
        assert_eq!(kind(std::slice::from_ref(&key)), Ok("key"));
        assert_eq!(kind(std::slice::from_ref(&cookie)), Ok("cookie"));
        assert_eq!(kind(&[token.clone(), refresh]), Ok("token"));
        assert_eq!(kind(&[token.clone(), cookie.clone()]), Err("two_credentials"));
        assert_eq!(kind(&[key, cookie]), Err("two_credentials"));
        assert_eq!(kind(&[token.clone(), token]), Err("repeated_header"));
    }
}
