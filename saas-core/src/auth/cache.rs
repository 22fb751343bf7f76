use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use moka::sync::Cache;

use super::{
    AccessClaims, MAX_TOKEN_BYTES, Reject, StrictVerifier,
    verify::{Verified, check_now},
};

/// How many tokens are remembered unless it is set.
const CAPACITY: u64 = 10_000;

/// How long a check is good for.
const LIFE: Duration = Duration::from_secs(60);

/// A [`StrictVerifier`] that remembers for a minute which tokens it has let pass.
///
/// Only the signature and what cannot change are remembered, under the SHA-256 of the token, for
/// valid tokens only. At each use the times are checked again, and the keys must be the very same
/// set: [`KeySet::replace`](super::KeySet::replace) ends everything that was remembered before it.
/// Cheap to clone; all clones remember the same.
#[derive(Clone)]
pub struct TokenCache {
    verifier: StrictVerifier,
    entries: Cache<[u8; 32], Entry>,
}

#[derive(Clone)]
struct Entry {
    claims: Arc<AccessClaims>,
    generation: u64,
    key_until: Option<DateTime<Utc>>,
    /// Of the monotonic clock.
    good_until: Duration,
}

impl TokenCache {
    /// Remembers up to 10,000 tokens of `verifier`, about 1 KiB each.
    #[must_use]
    pub fn new(verifier: StrictVerifier) -> Self {
        Self { verifier, entries: Cache::new(CAPACITY) }
    }

    /// Remembers up to `tokens`, beginning with none.
    #[must_use]
    pub fn with_capacity(self, tokens: u64) -> Self {
        Self { entries: Cache::new(tokens), ..self }
    }

    /// What [`StrictVerifier::verify`] answers.
    ///
    /// # Errors
    /// Those of [`StrictVerifier::verify`].
    pub fn verify(&self, raw: &str) -> Result<Arc<AccessClaims>, Reject> {
        if raw.len() > MAX_TOKEN_BYTES {
            return Err(Reject::TooLong);
        }
        let Ok(key) = digest::digest(&digest::SHA256, raw.as_bytes()).as_ref().try_into() else {
            return self.verifier.verify(raw).map(Arc::new);
        };
        if let Some(entry) = self.entries.get(&key).filter(|entry| self.is_good(entry)) {
            check_now(&entry.claims, self.verifier.clock().now())?;
            return Ok(entry.claims);
        }
        let Verified { claims, generation, key_until } = self.verifier.check(raw)?;
        let claims = Arc::new(claims);
        let good_until = self.verifier.clock().monotonic() + LIFE;
        let entry = Entry { claims: Arc::clone(&claims), generation, key_until, good_until };
        self.entries.insert(key, entry);
        Ok(claims)
    }

    /// Whether the token would be found signed by a key in use if it were looked at again.
    fn is_good(&self, entry: &Entry) -> bool {
        let clock = self.verifier.clock();
        entry.generation == self.verifier.keys().generation()
            && clock.monotonic() < entry.good_until
            && entry.key_until.is_none_or(|end| clock.now() < end)
    }
}

impl fmt::Debug for TokenCache {
    /// Without the tokens, of which not even a digest belongs into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{
        Clock, SessionId, UserId,
        auth::{KeySet, KeyState, SigningKey, TokenSigner},
    };

    #[test]
    fn it_holds_no_more_tokens_than_it_was_told_to() {
        let clock = Clock::system();
        let key = SigningKey::generate().unwrap();
        let keys = KeySet::new([key.verifying_key(KeyState::Active)]).unwrap();
        let signer = TokenSigner::new(key);
        let verifier = StrictVerifier::new(keys, "issuer", "audience", clock.clone());
        let cache = TokenCache::new(verifier).with_capacity(16);
        for _ in 0..200 {
            let person = (UserId::generate(&clock), SessionId::generate(&clock));
            let claims = AccessClaims::new(("issuer", "audience"), person, &clock, LIFE);
            assert!(cache.verify(signer.sign(&claims).unwrap().expose_secret()).is_ok());
        }
        cache.entries.run_pending_tasks();
        let held = cache.entries.entry_count();
        assert!((1..=16).contains(&held), "{held}");
    }
}
