//! What a browser keeps while it is at a provider.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{ConnectionId, OidcError};
use crate::{
    opaque::Opaque,
    seal::{Seal, SealError},
    session::Transport,
};

/// What the cookie is sealed for.
const CONTEXT: &str = "saas_rbac/oidc/attempt";

/// How many minutes somebody may take at the provider.
const MINUTES: i64 = 10;

/// Where to send a browser, and what to leave with it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Redirect {
    /// The address at the provider, for `Location`.
    pub url: Url,
    /// The value of the `Set-Cookie` header.
    pub cookie: HeaderValue,
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect").field("to", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// One attempt to sign in.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) connection: ConnectionId,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) redirect_uri: String,
    pub(super) until: DateTime<Utc>,
}

impl Attempt {
    /// A new one, with 256 random bits for each of its three values.
    pub(super) fn begin(
        connection: ConnectionId,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, OidcError> {
        Ok(Self {
            connection,
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            redirect_uri: redirect_uri.to_owned(),
            until: now + TimeDelta::minutes(MINUTES),
        })
    }

    /// What the provider learns of the verifier.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }

    /// The cookie that holds it.
    pub(super) async fn store(
        &self,
        seal: &dyn Seal,
        transport: Transport,
    ) -> Result<HeaderValue, OidcError> {
        let plain = serde_json::to_vec(self).map_err(|_| OidcError::Callback)?;
        let sealed = seal.seal(CONTEXT, &plain).await.map_err(OidcError::Seal)?;
        Ok(cookie(&URL_SAFE_NO_PAD.encode(sealed), transport, MINUTES))
    }

    /// The one that this browser has begun. Two cookies of one name mean that another site has set
    /// one: then neither counts.
    pub(super) async fn load(
        headers: &HeaderMap,
        seal: &dyn Seal,
        transport: Transport,
        now: DateTime<Utc>,
    ) -> Result<Self, OidcError> {
        let name = name(transport);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut found = lines
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == name);
        let (Some(cookie), None) = (found.next(), found.next()) else {
            return Err(OidcError::NotBegun);
        };
        let sealed = URL_SAFE_NO_PAD.decode(cookie.value()).map_err(|_| OidcError::NotBegun)?;
        let plain = seal.open(CONTEXT, &sealed).await.map_err(|error| match error {
            SealError::Refused => OidcError::NotBegun,
            other => OidcError::Seal(other),
        })?;
        let attempt: Self =
            serde_json::from_slice(plain.expose_secret()).map_err(|_| OidcError::NotBegun)?;
        // The browser forgets in time, too; who has copied the cookie does not.
        if attempt.until <= now {
            return Err(OidcError::TooLate);
        }
        Ok(attempt)
    }
}

/// The value of the `Set-Cookie` header that makes the browser forget its attempt.
pub(super) fn forget(transport: Transport) -> HeaderValue {
    cookie("", transport, 0)
}

/// It comes back with a redirect from another site, so it is `Lax` and not `Strict`.
fn cookie(value: &str, transport: Transport, minutes: i64) -> HeaderValue {
    let cookie = Cookie::build((name(transport), value))
        .path("/")
        .http_only(true)
        .secure(transport == Transport::Tls)
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::minutes(minutes));
    let mut header = HeaderValue::from_str(&cookie.to_string())
        .expect("names, attributes and base64 are visible ASCII");
    header.set_sensitive(true);
    header
}

const fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tls => "__Host-sign-in",
        Transport::Plain => "sign-in",
    }
}

fn random() -> Result<String, OidcError> {
    let made = Opaque::random().map_err(|_| OidcError::Random)?;
    Ok(made.to_text().expose_secret().to_owned())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use secrecy::SecretBox;

    use super::*;
    use crate::seal::StaticSeal;

    fn seal(byte: u8) -> StaticSeal {
        StaticSeal::new(&SecretBox::new(Box::new([byte; 32])))
    }

    fn start() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
    }

    fn begun() -> Attempt {
        let id = ConnectionId::from_uuid(uuid::Uuid::nil());
        Attempt::begin(id, "https://club.test/callback", start()).unwrap()
    }

    fn sent(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        [(header::COOKIE, pair.parse().unwrap())].into_iter().collect()
    }

    #[tokio::test]
    async fn the_cookie_is_bound_to_the_host_and_sealed() {
        let attempt = begun();
        let set = attempt.store(&seal(1), Transport::Tls).await.unwrap();
        let text = set.to_str().unwrap();
        assert!(text.starts_with("__Host-sign-in="), "{text}");
        assert!(text.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"), "{text}");
        assert!(set.is_sensitive());
        assert!(!text.contains(&attempt.state) && !text.contains(&attempt.verifier));
        let found = Attempt::load(&sent(&set), &seal(1), Transport::Tls, start()).await.unwrap();
        assert_eq!(found.state, attempt.state);
    }

    #[tokio::test]
    async fn a_cookie_of_somebody_else_or_from_long_ago_is_refused() {
        let set = begun().store(&seal(1), Transport::Tls).await.unwrap();
        let load = async |headers: &HeaderMap, byte, minutes| {
            let now = start() + TimeDelta::minutes(minutes);
            Attempt::load(headers, &seal(byte), Transport::Tls, now).await.err()
        };
        assert!(load(&sent(&set), 1, 9).await.is_none());
        assert!(matches!(load(&sent(&set), 1, 10).await, Some(OidcError::TooLate)));
        assert!(matches!(load(&sent(&set), 2, 0).await, Some(OidcError::NotBegun)));
        assert!(matches!(load(&HeaderMap::new(), 1, 0).await, Some(OidcError::NotBegun)));
        let mut two = sent(&set);
        two.append(header::COOKIE, "__Host-sign-in=x".parse().unwrap());
        assert!(matches!(load(&two, 1, 0).await, Some(OidcError::NotBegun)));
    }

    #[test]
    fn the_three_values_are_different_each_time() {
        let (one, other) = (begun(), begun());
        let all = [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|value| value.len() == 43));
    }
}
