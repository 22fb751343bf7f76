//! Public keys, and which of them may be used now.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

mod jwks;
mod key;

pub use jwks::{Jwk, Jwks, ParsedJwks, SkippedKey};
pub use key::{KeyAlgorithm, KeyError, KeyState, VerifyingKey};

/// The public keys that tokens are checked with, by their id. Cheap to clone; all clones hold the
/// same keys.
///
/// A set is replaced as a whole, by whoever watches where the keys are kept. It never fetches one:
/// a token that names an unknown key costs a look into a map.
#[derive(Clone)]
pub struct KeySet(Arc<ArcSwap<Snapshot>>);

/// The keys at one moment.
pub(super) struct Snapshot {
    by_kid: HashMap<String, VerifyingKey>,
    /// Differs between any two sets of keys that this process has had.
    pub(super) generation: u64,
}

impl KeySet {
    /// Exactly these keys.
    ///
    /// # Errors
    /// [`KeyError::Duplicate`] if two of them have one id.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        let snapshot = Snapshot { by_kid: index(keys)?, generation: 0 };
        Ok(Self(Arc::new(ArcSwap::from_pointee(snapshot))))
    }

    /// From now on, exactly these keys, in all clones of this set.
    ///
    /// What was checked with the old ones is checked again ([`TokenCache`](super::TokenCache)).
    ///
    /// # Errors
    /// [`KeyError::Duplicate`] if two of them have one id. The old keys stay then.
    pub fn replace(&self, keys: impl IntoIterator<Item = VerifyingKey>) -> Result<(), KeyError> {
        let by_kid = index(keys)?;
        self.0.rcu(|old| Snapshot { by_kid: by_kid.clone(), generation: old.generation + 1 });
        Ok(())
    }

    /// The document in which others find the keys that may be used at `now`: public parts only.
    #[must_use]
    pub fn to_jwks(&self, now: DateTime<Utc>) -> Jwks {
        let snapshot = self.snapshot();
        let mut usable: Vec<_> =
            snapshot.by_kid.values().filter(|key| key.is_usable_at(now)).collect();
        usable.sort_unstable_by_key(|key| key.kid());
        Jwks::of(usable)
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// The generation of the keys that are in use now.
    pub(super) fn generation(&self) -> u64 {
        self.0.load().generation
    }
}

impl Snapshot {
    pub(super) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.by_kid.get(kid)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.snapshot().by_kid.values()).finish()
    }
}

fn index(
    keys: impl IntoIterator<Item = VerifyingKey>,
) -> Result<HashMap<String, VerifyingKey>, KeyError> {
    let mut by_kid = HashMap::new();
    for key in keys {
        let kid = key.kid().to_owned();
        if by_kid.insert(kid.clone(), key).is_some() {
            return Err(KeyError::Duplicate(kid));
        }
    }
    Ok(by_kid)
}
