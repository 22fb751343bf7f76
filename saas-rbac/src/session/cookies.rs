use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

/// Whether requests come encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// They do, here or at a proxy before it. Cookies never travel otherwise.
    Tls,
    /// They do not: development on the own machine.
    Plain,
}

/// What a cookie holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieKind {
    /// The secret of a browser's session. It comes along when somebody follows a link to the
    /// application, and not with forms and scripts of other sites.
    Session,
    /// A refresh token. It never comes along from another site.
    Refresh,
}

/// Writes and reads the crate's cookies.
///
/// Over TLS their names begin with `__Host-`, by which browsers see to it that they were set by this
/// very host, over TLS, for no other host. Scripts cannot read them.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    transport: Transport,
}

impl Cookies {
    /// Cookies for requests that come like this.
    #[must_use]
    pub const fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// The value of the `Set-Cookie` header that leaves `value` with the browser for `max_age`.
    #[must_use]
    pub fn set(&self, kind: CookieKind, value: &SecretString, max_age: Duration) -> HeaderValue {
        let max_age = cookie::time::Duration::try_from(max_age).unwrap_or_default();
        self.header(kind, value.expose_secret(), max_age)
    }

    /// The value of the `Set-Cookie` header that makes the browser forget it.
    #[must_use]
    pub fn clear(&self, kind: CookieKind) -> HeaderValue {
        self.header(kind, "", cookie::time::Duration::ZERO)
    }

    /// What the browser sent. Two cookies of one name mean that another site has set one: then
    /// neither counts.
    #[must_use]
    pub fn read(&self, kind: CookieKind, headers: &HeaderMap) -> Option<SecretString> {
        let name = self.name(kind);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut found = lines
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == name);
        let first = found.next()?;
        found.next().is_none().then(|| first.value().to_owned().into())
    }

    fn header(self, kind: CookieKind, value: &str, max_age: cookie::time::Duration) -> HeaderValue {
        let same_site = match kind {
            CookieKind::Session => SameSite::Lax,
            CookieKind::Refresh => SameSite::Strict,
        };
        let cookie = Cookie::build((self.name(kind), value))
            .path("/")
            .http_only(true)
            .secure(self.transport == Transport::Tls)
            .same_site(same_site)
            .max_age(max_age);
        let mut header = HeaderValue::from_str(&cookie.to_string())
            .expect("names, attributes and base64 are visible ASCII");
        header.set_sensitive(true);
        header
    }

    const fn name(self, kind: CookieKind) -> &'static str {
        match (self.transport, kind) {
            (Transport::Tls, CookieKind::Session) => "__Host-session",
            (Transport::Tls, CookieKind::Refresh) => "__Host-refresh",
            (Transport::Plain, CookieKind::Session) => "session",
            (Transport::Plain, CookieKind::Refresh) => "refresh",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn sent(lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|line| (header::COOKIE, line.parse().unwrap()));
        lines.collect()
    }

    fn read(headers: &HeaderMap) -> Option<String> {
        let read = Cookies::new(Transport::Tls).read(CookieKind::Session, headers)?;
        Some(read.expose_secret().to_owned())
    }

    #[test]
    fn a_cookie_over_tls_is_bound_to_the_host_and_hidden_from_scripts() {
        let cookies = Cookies::new(Transport::Tls);
        let set = cookies.set(CookieKind::Session, &"abc".to_owned().into(), DAY);
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-session=abc; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400",
        );
        assert!(set.is_sensitive());
        let set = cookies.set(CookieKind::Refresh, &"abc".to_owned().into(), DAY);
        assert!(set.to_str().unwrap().contains("SameSite=Strict"));
    }

    #[test]
    fn a_cleared_cookie_has_no_value_and_ends_at_once() {
        let set = Cookies::new(Transport::Plain).clear(CookieKind::Session);
        assert_eq!(set.to_str().unwrap(), "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(read(&sent(&["a=1; __Host-session=abc; b=2"])), Some("abc".to_owned()));
        assert_eq!(read(&sent(&["a=1", "__Host-session=abc"])), Some("abc".to_owned()));
        assert_eq!(read(&sent(&["session=abc"])), None, "not set over TLS by this host");
        assert_eq!(read(&sent(&[])), None);
    }

    #[test]
    fn two_cookies_of_one_name_count_as_none() {
        assert_eq!(read(&sent(&["__Host-session=abc; __Host-session=evil"])), None);
        assert_eq!(read(&sent(&["__Host-session=abc", "__Host-session=evil"])), None);
    }
}
