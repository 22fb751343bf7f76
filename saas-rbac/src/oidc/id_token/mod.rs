//! What a provider says of a person, and whether it says so to us, now, about this attempt.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    IdTokenRefused,
    keys::{Algorithm, Key},
};

/// How long a token may be, in bytes.
const LONGEST: usize = 16 * 1024;

/// By how many seconds two clocks may differ.
const LEEWAY: i64 = 30;

/// How many seconds ago a token that comes with an answer may have been issued.
const RECENT: i64 = 10 * 60;

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Who it is there, for ever. Nothing else is.
    pub subject: String,
    /// The address, as the provider has it.
    pub email: Option<String>,
    /// Whether the provider says that the address is theirs.
    pub email_verified: bool,
    /// What to call them.
    pub name: Option<String>,
}

/// What a token must answer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
}

/// A token in its parts. Nothing of it is trusted yet.
pub(super) struct IdToken<'a> {
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
    zip: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: String,
    at_hash: Option<String>,
    #[serde(flatten)]
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What is known of a person beside who it is.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    email: Option<String>,
    email_verified: Option<Verified>,
    name: Option<String>,
}

/// Some providers write a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Verified {
    Plain(bool),
    Text(String),
}

impl<'a> IdToken<'a> {
    /// Cuts a token into its parts and reads its header.
    pub(super) fn read(raw: &'a str, taken: &[Algorithm]) -> Result<Self, IdTokenRefused> {
        if raw.len() > LONGEST {
            return Err(IdTokenRefused::TooLong);
        }
        let (signed, signature) = raw.rsplit_once('.').ok_or(IdTokenRefused::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(IdTokenRefused::Malformed)?;
        if payload.contains('.') {
            return Err(IdTokenRefused::Malformed);
        }
        let header: Header = object(header).ok_or(IdTokenRefused::Header)?;
        let is_jwt = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
        if !is_jwt || header.crit.is_some() || header.b64.is_some() || header.zip.is_some() {
            return Err(IdTokenRefused::Header);
        }
        let algorithm = Algorithm::named(&header.alg).filter(|one| taken.contains(one));
        let algorithm = algorithm.ok_or(IdTokenRefused::Algorithm)?;
        Ok(Self { signed, payload, signature, algorithm, kid: header.kid })
    }

    /// Whom it speaks of, if it is signed with `key` and is what was expected.
    pub(super) fn verify(
        &self,
        key: &Key,
        expected: &Expected<'_>,
    ) -> Result<Identity, IdTokenRefused> {
        let signature =
            URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| IdTokenRefused::Signature)?;
        if key.algorithm() != self.algorithm || !key.verifies(self.signed.as_bytes(), &signature) {
            return Err(IdTokenRefused::Signature);
        }
        let claims: Claims = object(self.payload).ok_or(IdTokenRefused::Claims)?;
        check_parties(&claims, expected)?;
        check_times(&claims, expected.now.timestamp())?;
        verify_slices_are_equal(claims.nonce.as_bytes(), expected.nonce.as_bytes())
            .map_err(|_| IdTokenRefused::Nonce)?;
        self.check_access_token(&claims, expected)?;
        let (issuer, subject) = (claims.iss, subject(claims.sub)?);
        let nobody = Identity { issuer, subject, email: None, email_verified: false, name: None };
        Ok(nobody.with(claims.profile))
    }

    /// The claim is the left half of a digest of the access token.
    fn check_access_token(
        &self,
        claims: &Claims,
        expected: &Expected<'_>,
    ) -> Result<(), IdTokenRefused> {
        let Some(claimed) = &claims.at_hash else { return Ok(()) };
        let token = expected.access_token.ok_or(IdTokenRefused::AccessToken)?;
        let digest = match self.algorithm {
            Algorithm::Rs256 | Algorithm::Es256 => &digest::SHA256,
            Algorithm::EdDsa => &digest::SHA512,
        };
        let digest = digest::digest(digest, token.as_bytes());
        let half = &digest.as_ref()[..digest.as_ref().len() / 2];
        verify_slices_are_equal(URL_SAFE_NO_PAD.encode(half).as_bytes(), claimed.as_bytes())
            .map_err(|_| IdTokenRefused::AccessToken)
    }
}

impl Identity {
    /// The same person with what is known of them. What was known stays.
    pub(super) fn with(self, profile: Profile) -> Self {
        if self.email.is_some() {
            return Self { name: self.name.or(profile.name), ..self };
        }
        let email_verified = match profile.email_verified {
            Some(Verified::Plain(verified)) => verified && profile.email.is_some(),
            Some(Verified::Text(text)) => text == "true" && profile.email.is_some(),
            None => false,
        };
        Self { email: profile.email, email_verified, name: self.name.or(profile.name), ..self }
    }
}

fn check_parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenRefused> {
    if claims.iss != expected.issuer {
        return Err(IdTokenRefused::Issuer);
    }
    let all = match &claims.aud {
        Audience::One(one) => std::slice::from_ref(one),
        Audience::Several(all) => all,
    };
    if !all.iter().any(|one| one == expected.client_id) {
        return Err(IdTokenRefused::Audience);
    }
    match &claims.azp {
        Some(party) if party == expected.client_id => Ok(()),
        None if all.len() == 1 => Ok(()),
        _ => Err(IdTokenRefused::AuthorizedParty),
    }
}

/// Saturating: a claim may be at the end of all calendars.
fn check_times(claims: &Claims, now: i64) -> Result<(), IdTokenRefused> {
    if now.saturating_sub(claims.exp) >= LEEWAY {
        return Err(IdTokenRefused::Expired);
    }
    let ahead = |at: i64| at.saturating_sub(now) > LEEWAY;
    let is_recent = now.saturating_sub(claims.iat) <= RECENT;
    if ahead(claims.iat) || claims.nbf.is_some_and(ahead) || !is_recent {
        return Err(IdTokenRefused::IssuedAt);
    }
    Ok(())
}

/// At most 255 visible characters of ASCII, says the standard.
fn subject(subject: String) -> Result<String, IdTokenRefused> {
    let fits = (1..=255).contains(&subject.len());
    let plain = subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits && plain { Ok(subject) } else { Err(IdTokenRefused::Subject) }
}

fn object<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    // A derived `Deserialize` would take an array with the fields in order as well.
    bytes.starts_with(b"{").then(|| serde_json::from_slice(&bytes).ok()).flatten()
}

#[cfg(test)]
mod tests;
