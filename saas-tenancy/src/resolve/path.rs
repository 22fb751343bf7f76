use std::borrow::Cow;

use http::{Uri, uri::PathAndQuery};

use super::{Candidate, RequestAddress, ResolveTenant, Trust};
use crate::error::TenancyError;

const PREFIX: &str = "/t/";

/// Reads the tenant from the path: `/t/acme/api/v1/members`.
///
/// 1. The prefix is [stripped](Self::strip) before the request goes on, so routes are written once.
///    Only [`Resolvers::path`] arranges that; [`Resolvers::with`] does not.
/// 2. With this resolver a path that could be read in two ways is refused, whether it has the
///    prefix or not: empty segments (`//`), dot segments in any encoding (`..`, `%2e%2e`, `..%2f`),
///    an encoded prefix or slug (`/%74/acme`, `/t/%61cme`). A proxy in front may read it otherwise.
/// 3. A second prefix behind the first one is refused as a second tenant.
///
/// [`Resolvers::path`]: super::Resolvers::path
/// [`Resolvers::with`]: super::Resolvers::with
#[derive(Debug, Clone, Copy, Default)]
pub struct PathPrefix;

impl PathPrefix {
    /// `uri` without the prefix; `None` if it has none.
    ///
    /// ```
    /// use saas_tenancy::resolve::PathPrefix;
    ///
    /// let uri = http::Uri::from_static("/t/acme/api/v1/members?page=2");
    /// assert_eq!(PathPrefix.strip(&uri).unwrap(), "/api/v1/members?page=2");
    /// assert_eq!(PathPrefix.strip(&"/t/acme".parse()?).unwrap(), "/");
    /// assert!(PathPrefix.strip(&"/api/v1/members".parse()?).is_none());
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    #[must_use]
    pub fn strip(self, uri: &Uri) -> Option<Uri> {
        let (_, rest) = split(uri.path())?;
        let path = if rest.is_empty() { "/" } else { rest };
        let target = match uri.query() {
            Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
            None => PathAndQuery::try_from(path),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(target.ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl ResolveTenant for PathPrefix {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        let path = request.path();
        if is_ambiguous(path) {
            return Err(TenancyError::BadAddress("send the path without `//`, `.` and `..`"));
        }
        let plain = plain(path);
        let tenant = split(path);
        if split(&plain).map(|(slug, _)| slug) != tenant.map(|(slug, _)| slug) {
            return Err(TenancyError::BadAddress("send `/t/` and the slug without escapes"));
        }
        let Some((slug, rest)) = tenant else { return Ok(None) };
        if rest.starts_with(PREFIX) {
            return Err(TenancyError::Conflict("its path holds `/t/` twice"));
        }
        slug.parse().map(|slug| Some(Candidate::Slug(slug))).map_err(|_| TenancyError::NotFound)
    }

    fn trust(&self) -> Trust {
        Trust::Path
    }
}

/// The slug behind the prefix and the path behind the slug, which is empty or starts with `/`.
fn split(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(PREFIX)?;
    Some(rest.split_at(rest.find('/').unwrap_or(rest.len())))
}

/// Whether somebody might resolve dots or empty segments in it to another path.
fn is_ambiguous(path: &str) -> bool {
    let plain = plain(path);
    path.contains("//")
        || plain.starts_with("//")
        || plain.split('/').any(|segment| segment == "." || segment == "..")
}

/// The path as the most eager reader takes it: decoded, and with `\` as a separator.
fn plain(path: &str) -> Cow<'_, str> {
    if !path.contains(['%', '\\']) {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut bytes = path.as_bytes();
    while let [first, rest @ ..] = bytes {
        let escaped = if *first == b'%' { hex_pair(rest) } else { None };
        bytes = if escaped.is_some() { &rest[2..] } else { rest };
        let byte = escaped.unwrap_or(*first);
        plain.push(if byte == b'\\' { b'/' } else { byte });
    }
    String::from_utf8_lossy(&plain).into_owned().into()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::{super::TrustedProxies, *};

    fn resolve(path: &str) -> Result<Option<String>, String> {
        let (parts, ()) = Request::get(path).body(()).unwrap().into_parts();
        let proxies = TrustedProxies::default();
        let found = PathPrefix.resolve(&RequestAddress::read(&parts, &proxies).unwrap());
        match found {
            Ok(Some(Candidate::Slug(slug))) => Ok(Some(slug.to_string())),
            Ok(None) => Ok(None),
            Ok(Some(other)) => panic!("a path names a slug, not {other:?}"),
            Err(TenancyError::BadAddress(_)) => Err("bad".to_owned()),
            Err(TenancyError::Conflict(_)) => Err("conflict".to_owned()),
            Err(TenancyError::NotFound) => Err("unknown".to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_slug_stands_behind_the_prefix() {
        for path in ["/t/acme", "/t/acme/", "/t/acme/api/v1/members?x=/../", "/t/ACME/x"] {
            assert_eq!(resolve(path), Ok(Some("acme".to_owned())), "{path}");
        }
        for path in ["/", "/t", "/T/acme", "/tt/acme", "/api/t/acme", "/caf%C3%A9", "/a%2Fb", "*"] {
            assert_eq!(resolve(path), Ok(None), "{path}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in [
            "//t/acme",
            "/t//acme",
            "/t/acme//x",
            "/x/../t/acme",
            "/./t/acme",
            "/t/acme/../globex",
            "/t/acme/..",
            "/t/acme/.",
            "/t/acme/%2e%2e/globex",
            "/t/acme/%2E./globex",
            "/t/acme/..%2fglobex",
            "/t/acme/..%5cglobex",
            "/t/acme/..\\globex",
            "/%74/acme",
            "/t%2facme",
            "/t%2Facme/x",
            "/%2ft/acme",
            "/t/%61cme",
            "/t/acme%2fx",
            "/t\\acme",
            "/t/ac%00me",
            "/t/ac%6de",
            "/%5ct/acme",
        ] {
            assert_eq!(resolve(path), Err("bad".to_owned()), "{path}");
        }
    }

    #[test]
    fn what_can_be_no_slug_is_a_tenant_that_does_not_exist() {
        for path in ["/t/", "/t/ab", "/t/www/x", "/t/xn--cme-5cd/x", "/t/ac_me", "/t/acme;x=1"] {
            assert_eq!(resolve(path), Err("unknown".to_owned()), "{path}");
        }
        assert_eq!(resolve("/t/acme/t/globex"), Err("conflict".to_owned()));
    }

    proptest! {
        #[test]
        fn no_path_panics_and_only_a_literal_prefix_names_a_tenant(
            path in "/[t/%.a2eEfF5c\\\\5C1-]{0,30}(/t/)?[a-c/%.]{0,12}",
        ) {
            if let Ok(Some(slug)) = resolve(&path) {
                let rest = path.strip_prefix("/t/").expect("the prefix is literal");
                prop_assert_eq!(rest.split('/').next().map(str::to_lowercase), Some(slug));
            }
        }

        #[test]
        fn stripping_keeps_the_rest_letter_by_letter(
            rest in "(/[a-z0-9%._~-]{1,8}){0,4}/?", query in "(\\?[a-z=&/?%]{0,10})?",
        ) {
            let uri: Uri = format!("http://localhost/t/acme{rest}{query}").parse().unwrap();
            let slash = if rest.is_empty() { "/" } else { "" };
            let expected: Uri = format!("http://localhost{slash}{rest}{query}").parse().unwrap();
            prop_assert_eq!(PathPrefix.strip(&uri), Some(expected));
        }
    }
}
