use http::{HeaderName, StatusCode, Uri, header, request::Parts};
use saas_core::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request comes from another site and would change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request comes from another site")]
pub struct CrossSite;

impl From<CrossSite> for Problem {
    fn from(error: CrossSite) -> Self {
        Self::new(StatusCode::FORBIDDEN, "cross_site_request")
            .with_detail(
                "another site cannot do this with your cookie; open the application itself",
            )
            .with_source(error)
    }
}

/// Lets requests pass that change nothing, and those that come from the application's own pages or
/// from no browser. For routes that read a cookie of their own; the layer does it for sessions.
///
/// A page of another host of the same domain is another site: that host may be another tenant's.
///
/// # Errors
/// [`CrossSite`] if `Sec-Fetch-Site` says anything but `same-origin` or `none`; without that header,
/// if the authority of `Origin` is not the one that the request is addressed to.
pub fn same_origin(parts: &Parts) -> Result<(), CrossSite> {
    // Browsers open WebSockets to any site, with cookies, by a request that counts as safe.
    let upgrades = parts.headers.contains_key(header::UPGRADE) || is_connect(parts);
    if parts.method.is_safe() && !upgrades {
        return Ok(());
    }
    match single(parts, &SEC_FETCH_SITE)? {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(CrossSite),
        None => {}
    }
    let Some(origin) = single(parts, &header::ORIGIN)? else { return Ok(()) };
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => single(parts, &header::HOST)?,
    };
    let origin: Uri = origin.parse().map_err(|_| CrossSite)?;
    let origin = origin.authority().map(|authority| authority.as_str());
    if origin.is_some() && origin == host { Ok(()) } else { Err(CrossSite) }
}

/// WebSocket over HTTP/2 comes so (RFC 8441).
fn is_connect(parts: &Parts) -> bool {
    parts.method == http::Method::CONNECT
}

/// A header that comes once or not at all. Two of them are nothing that a browser sends.
fn single<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, CrossSite> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(CrossSite);
    }
    value.to_str().map(Some).map_err(|_| CrossSite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), CrossSite> {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        same_origin(&request.body(()).unwrap().into_parts().0)
    }

    fn post(headers: &[(&str, &str)]) -> Result<(), CrossSite> {
        let mut all = vec![("host", "acme.localhost:8080")];
        all.extend(headers);
        asks("POST", "/members", &all)
    }

    #[test]
    fn the_fetch_site_decides_where_a_browser_sends_it() {
        for site in ["same-origin", "none"] {
            assert_eq!(post(&[("sec-fetch-site", site), ("origin", "http://evil.test")]), Ok(()));
        }
        for site in ["same-site", "cross-site", "Same-Origin", "", "same-origin, none"] {
            let own = ("origin", "http://acme.localhost:8080");
            assert_eq!(post(&[("sec-fetch-site", site), own]), Err(CrossSite), "{site}");
        }
    }

    #[test]
    fn without_it_the_origin_must_be_where_the_request_goes() {
        assert_eq!(post(&[("origin", "http://acme.localhost:8080")]), Ok(()));
        for origin in [
            "http://globex.localhost:8080",
            "http://localhost:8080",
            "http://acme.localhost",
            "http://acme.localhost:8080.evil.test",
            "http://evil.test/acme.localhost:8080",
            "null",
            "",
            "acme.localhost:8080@evil.test",
        ] {
            assert_eq!(post(&[("origin", origin)]), Err(CrossSite), "{origin}");
        }
        let own = ("origin", "http://acme.localhost:8080");
        assert_eq!(post(&[own, own]), Err(CrossSite));
    }

    #[test]
    fn the_authority_of_the_target_counts_more_than_the_host() {
        let headers = [("host", "evil.test"), ("origin", "http://evil.test")];
        assert_eq!(asks("POST", "http://acme.localhost/members", &headers), Err(CrossSite));
    }

    #[test]
    fn what_is_no_browser_has_neither_and_passes() {
        assert_eq!(post(&[]), Ok(()));
    }

    #[test]
    fn reading_is_free_and_opening_a_web_socket_is_not() {
        let evil = ("sec-fetch-site", "cross-site");
        assert_eq!(asks("GET", "/members", &[evil]), Ok(()));
        assert_eq!(asks("GET", "/realtime", &[evil, ("upgrade", "websocket")]), Err(CrossSite));
    }
}
