use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AccessClaims, KeySet, Reject, VerifyingKey,
    compact::{Compact, TYPE},
};
use crate::Clock;

/// By how much the clocks of two machines may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// Lets exactly one form of access token pass.
///
/// | what is checked | cases refused | rule |
/// |---|---|---|
/// | at most 8 KiB, three parts of base64url | J05, J06 | [RFC 8725] 3.11, [RFC 7515] 3.1 |
/// | the header is `{typ, alg, kid}` and nothing else | J10, J12, J13, J15 | [RFC 8725] 3.5, 3.10, [RFC 7515] 4.1 |
/// | `kid` names a key that is in use | J10, J39 | [RFC 8725] 3.8 |
/// | `alg` is the one algorithm of that key | J07, J08, J09 | [RFC 8725] 3.1 |
/// | `typ` is `at+jwt` | J16, J37 | [RFC 9068] 4, [RFC 8725] 3.11 |
/// | the signature | J07, J08, J12 | [RFC 7515] 5.2 |
/// | every claim is there and of its type | J17, J20, J22, J24, J26 | [RFC 7519] 4.1, [RFC 9068] 2.2 |
/// | `iss` and `aud` are ours, letter by letter | J22, J24 | [RFC 8725] 3.8, 3.9 |
/// | `nbf`, `iat`, `exp`, with 30 s for clocks that differ | J18, J20, J21 | [RFC 7519] 4.1.4 to 4.1.6 |
/// | it lives no longer than ours do | J17 | [RFC 9068] 5 |
///
/// The cases are tests of the same names. See the [module docs](super).
///
/// [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
/// [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
/// [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725
/// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
#[derive(Debug, Clone)]
pub struct StrictVerifier {
    keys: KeySet,
    issuer: Arc<str>,
    audience: Arc<str>,
    clock: Clock,
    max_lifetime: TimeDelta,
}

/// Claims whose signature was checked, and with which keys.
pub(super) struct Verified {
    pub(super) claims: AccessClaims,
    pub(super) generation: u64,
    pub(super) key_until: Option<DateTime<Utc>>,
}

impl StrictVerifier {
    /// Takes tokens of `issuer` for `audience`, signed by one of `keys`, that live at most an hour.
    #[must_use]
    pub fn new(
        keys: KeySet,
        issuer: impl Into<String>,
        audience: impl Into<String>,
        clock: Clock,
    ) -> Self {
        let (issuer, audience) = (issuer.into().into(), audience.into().into());
        Self { keys, issuer, audience, clock, max_lifetime: TimeDelta::hours(1) }
    }

    /// Takes tokens that live for up to `lifetime`.
    #[must_use]
    pub fn with_max_lifetime(self, lifetime: Duration) -> Self {
        let max_lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
        Self { max_lifetime, ..self }
    }

    /// What the token says, if it is one of ours and valid now.
    ///
    /// # Errors
    /// [`Reject`], with the first thing that is wrong. [`Reject::Expired`] only for a token that
    /// was valid once.
    pub fn verify(&self, raw: &str) -> Result<AccessClaims, Reject> {
        self.check(raw).map(|verified| verified.claims)
    }

    pub(super) const fn keys(&self) -> &KeySet {
        &self.keys
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn check(&self, raw: &str) -> Result<Verified, Reject> {
        let token = Compact::split(raw)?;
        let header = token.header()?;
        let keys = self.keys.snapshot();
        let key = keys.get(&header.kid).ok_or(Reject::UnknownKey)?;
        let now = self.clock.now();
        if !key.is_usable_at(now) {
            return Err(Reject::RetiredKey);
        }
        if header.alg != key.algorithm().name() {
            return Err(Reject::Algorithm);
        }
        if header.typ != TYPE {
            return Err(Reject::Type);
        }
        if !key.verifies(token.signed.as_bytes(), &token.signature()?) {
            return Err(Reject::Signature);
        }
        let claims: AccessClaims = token.payload()?;
        self.check_parties(&claims)?;
        self.check_life(&claims, key)?;
        check_now(&claims, now)?;
        Ok(Verified { claims, generation: keys.generation, key_until: key.not_after() })
    }

    fn check_parties(&self, claims: &AccessClaims) -> Result<(), Reject> {
        if *claims.iss != *self.issuer {
            return Err(Reject::Issuer);
        }
        if *claims.aud != *self.audience {
            return Err(Reject::Audience);
        }
        Ok(())
    }

    /// What does not change with time.
    fn check_life(&self, claims: &AccessClaims, key: &VerifyingKey) -> Result<(), Reject> {
        // Differences, not sums: a sum with a claim at the end of all calendars would overflow.
        if key.not_before().is_some_and(|made| made - claims.iat > LEEWAY) {
            return Err(Reject::OlderThanKey);
        }
        if claims.exp <= claims.iat || claims.exp - claims.iat > self.max_lifetime {
            return Err(Reject::Lifetime);
        }
        Ok(())
    }
}

/// Whether the claims hold at `now`.
pub(super) fn check_now(claims: &AccessClaims, now: DateTime<Utc>) -> Result<(), Reject> {
    let ahead = |at: DateTime<Utc>| at - now > LEEWAY;
    if ahead(claims.iat) || ahead(claims.auth_time) || claims.nbf.is_some_and(ahead) {
        return Err(Reject::NotYetValid);
    }
    if now - claims.exp > LEEWAY {
        return Err(Reject::Expired);
    }
    Ok(())
}
