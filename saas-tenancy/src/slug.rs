//! The short name of a tenant, as it stands in a host name or a path.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Names that no tenant may take, because an address of the application, a mailbox or a
/// well-known host would be mistaken for a tenant's.
const RESERVED: &[&str] = &[
    "about",
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "analytics",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "demo-admin",
    "dev",
    "dns",
    "docs",
    "email",
    "events",
    "files",
    "ftp",
    "graphql",
    "healthz",
    "help",
    "hostmaster",
    "imap",
    "internal",
    "invite",
    "jobs",
    "localdomain",
    "localhost",
    "login",
    "logout",
    "mail",
    "me",
    "metrics",
    "mta-sts",
    "news",
    "noreply",
    "oauth",
    "openapi",
    "ops",
    "pop",
    "pop3",
    "postmaster",
    "pricing",
    "private",
    "public",
    "readyz",
    "realtime",
    "register",
    "root",
    "security",
    "settings",
    "shop",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "stats",
    "status",
    "store",
    "stripe",
    "super-admin",
    "superadmin",
    "support",
    "sysadmin",
    "system",
    "team",
    "tenant",
    "tenants",
    "test",
    "tls",
    "usenet",
    "user",
    "users",
    "web",
    "webhook",
    "webhooks",
    "webmaster",
    "wpad",
    "www",
    "www1",
    "www2",
];

/// The short name of a tenant: 3 to 40 of `a`–`z`, `0`–`9` and `-`, starting and ending with a
/// letter or digit, not reserved.
///
/// Only ASCII, so that no two names look alike (`аcme` with a Cyrillic а is refused), and never
/// anything that starts like punycode (`xn--`) or reads as an id. Upper case is folded, because host names are.
///
/// ```
/// use saas_tenancy::Slug;
///
/// assert_eq!("Acme".parse::<Slug>()?.as_str(), "acme");
/// assert!("www".parse::<Slug>().is_err());
/// # Ok::<(), saas_tenancy::SlugError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Box<str>);

impl Slug {
    /// The shortest slug.
    pub const MIN: usize = 3;
    /// The longest slug, in characters.
    pub const MAX: usize = 40;

    /// The slug of a tenant that exists, also if the name was reserved after it was given.
    pub(crate) fn stored(text: &str) -> Result<Self, SlugError> {
        if !(Self::MIN..=Self::MAX).contains(&text.len()) {
            return Err(SlugError::Length);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !text.chars().all(allowed) || text.starts_with('-') || text.ends_with('-') {
            return Err(SlugError::Characters);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let slug = Self::stored(text)?;
        let looks_like_an_id = uuid::Uuid::try_parse(slug.as_str()).is_ok();
        if looks_like_an_id || slug.0.get(2..4) == Some("--") || RESERVED.contains(&slug.as_str()) {
            return Err(SlugError::Reserved);
        }
        Ok(slug)
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0.into()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a [`Slug`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlugError {
    /// Too short or too long.
    #[error("must have 3 to 40 characters")]
    Length,
    /// A character that is not allowed, or a hyphen at an end.
    #[error("may hold only a–z, 0–9 and `-`, and must start and end with a letter or digit")]
    Characters,
    /// A name that the application keeps for itself.
    #[error("is reserved; choose another name")]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_and_punycode_are_refused() {
        for name in ["аcme", "ａｃｍｅ", "xn--cme-5cd", "ac_me", "ac.me", "-acme", "acme-", "a\0me"]
        {
            assert!(name.parse::<Slug>().is_err(), "{name}");
        }
    }

    #[test]
    fn length_is_held_to_3_and_40() {
        assert_eq!("ab".parse::<Slug>(), Err(SlugError::Length));
        assert!("abc".parse::<Slug>().is_ok());
        assert!("a".repeat(40).parse::<Slug>().is_ok());
        assert_eq!("a".repeat(41).parse::<Slug>(), Err(SlugError::Length));
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        assert_eq!("WWW".parse::<Slug>(), Err(SlugError::Reserved));
        assert_eq!("Api".parse::<Slug>(), Err(SlugError::Reserved));
    }

    #[test]
    fn a_name_that_was_reserved_later_can_still_be_read() {
        assert_eq!(Slug::stored("www").map(|slug| slug.to_string()), Ok("www".to_owned()));
        assert_eq!(Slug::stored("ac me"), Err(SlugError::Characters));
    }

    #[test]
    fn what_reads_as_an_id_is_refused() {
        for id in ["018f4d3c-0000-7000-8000-00000000002a", "018f4d3c00007000800000000000002a"] {
            assert_eq!(id.parse::<Slug>(), Err(SlugError::Reserved));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_slug_reads_back_as_itself(text in "\\PC{0,50}") {
            if let Ok(slug) = text.parse::<Slug>() {
                let again = slug.as_str().parse::<Slug>();
                proptest::prop_assert_eq!(again, Ok(slug));
            }
        }
    }
}
