mod changes;
mod rows;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use saas_core::{
    Clock,
    auth::{Jwks, KeySet, TokenSigner},
};
use saas_tenancy::db::TenantDatabases;
use tokio::{sync::Notify, task::AbortHandle};

use super::{Issuer, TokenError};
use crate::seal::Seal;

pub use changes::KeyChanges;

/// How long others may take to hear of a change, and clocks may differ: a key that signs no more is
/// good for so much longer than its last token.
const LEEWAY: TimeDelta = TimeDelta::seconds(90);

/// How long it may be unknown whether the keys are still the right ones.
const UNSURE: Duration = Duration::from_secs(1);

/// Whether the keys of this process are those of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are, or were a second ago.
    Current,
    /// Nobody knows: a key could have been revoked. Requests are answered 503.
    Stale,
}

/// The keys that sign access tokens, the same in all processes. Cheap to clone.
///
/// The set is read again whenever a process is told of a change, and twice a second while it is not
/// told. A key that is revoked anywhere counts here no more within a second, or
/// [`standing`](Self::standing) says that this cannot be promised.
#[derive(Debug, Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    databases: TenantDatabases,
    seal: Arc<dyn Seal>,
    clock: Clock,
    /// For how long a key that signs no more is still good.
    retirement: TimeDelta,
    keys: KeySet,
    signer: TokenSigner,
    freshness: Mutex<Freshness>,
    wake: Arc<Notify>,
    watch: OnceLock<AbortHandle>,
}

/// How sure it is that the keys are the right ones.
#[derive(Debug)]
struct Freshness {
    connected: bool,
    /// Counts what was told.
    told: u64,
    /// Since when they could be others; `None` while every change is told and was read.
    unsure_since: Option<Duration>,
}

impl SigningKeys {
    /// Reads the keys, after making the first ones if there are none. Give the other half to a
    /// [`ChangeListener`](saas_tenancy::store::ChangeListener).
    ///
    /// # Errors
    /// [`TokenError`] when the keys cannot be read, opened or made.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(
        databases: TenantDatabases,
        seal: Arc<dyn Seal>,
        clock: Clock,
        issuer: &Issuer,
    ) -> Result<(Self, KeyChanges), TokenError> {
        rows::make_first(&databases, &*seal, &clock).await?;
        let begun = clock.monotonic();
        let read = rows::read(&databases).await?;
        let signer = TokenSigner::new(rows::open_active(&read, &*seal).await?);
        let keys = KeySet::new(rows::public(&read)?)?;
        let life = TimeDelta::from_std(issuer.life()).unwrap_or(TimeDelta::hours(1));
        let freshness = Freshness { connected: false, told: 0, unsure_since: Some(begun) };
        let inner = Arc::new(Inner {
            databases,
            seal,
            clock,
            retirement: life + LEEWAY,
            keys,
            signer,
            freshness: Mutex::new(freshness),
            wake: Arc::default(),
            watch: OnceLock::new(),
        });
        let watch = tokio::spawn(changes::watch(Arc::downgrade(&inner), Arc::clone(&inner.wake)));
        inner.watch.get_or_init(|| watch.abort_handle());
        Ok((Self(Arc::clone(&inner)), KeyChanges::new(inner)))
    }

    /// What tokens are checked with; stays up to date by itself.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.0.keys.clone()
    }

    /// What tokens are signed with; stays up to date by itself.
    #[must_use]
    pub fn signer(&self) -> TokenSigner {
        self.0.signer.clone()
    }

    /// The public keys, for `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        self.0.keys.to_jwks(self.0.clock.now())
    }

    /// Whether the keys are the right ones.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let since = self.0.freshness().unsure_since;
        let now = self.0.clock.monotonic();
        if since.is_none_or(|since| now.saturating_sub(since) <= UNSURE) {
            Standing::Current
        } else {
            Standing::Stale
        }
    }

    /// Lets the next key sign, keeps the one before it for as long as its tokens live, and makes
    /// another next one.
    ///
    /// # Errors
    /// [`TokenError`] when the keys cannot be changed; then they are as before.
    pub async fn rotate(&self) -> Result<(), TokenError> {
        self.0.rotate(None).await
    }

    /// The same if the last rotation is `age` ago, and says whether it was. To be called once in a
    /// while by every process; one of them does it.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate).
    pub async fn rotate_if_due(&self, age: Duration) -> Result<bool, TokenError> {
        let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
        let before = self.0.signer.kid();
        self.0.rotate(Some(age)).await?;
        Ok(self.0.signer.kid() != before)
    }

    /// Takes a key out of use at once, everywhere: somebody has it. All its tokens end. When it was
    /// the one that signs, the next one takes over.
    ///
    /// # Errors
    /// [`TokenError::NoSuchKey`], or that the keys cannot be changed.
    pub async fn revoke(&self, kid: &str) -> Result<(), TokenError> {
        let inner = &*self.0;
        rows::revoke(&inner.databases, &*inner.seal, &inner.clock, kid).await?;
        inner.reload().await
    }

    /// Reads the keys again. Done by itself.
    ///
    /// # Errors
    /// [`TokenError`] when they cannot be read or opened; then they are as before.
    pub async fn reload(&self) -> Result<(), TokenError> {
        self.0.reload().await
    }
}

impl Inner {
    async fn rotate(&self, due: Option<TimeDelta>) -> Result<(), TokenError> {
        let (databases, seal) = (&self.databases, &*self.seal);
        rows::rotate(databases, seal, &self.clock, self.retirement, due).await?;
        self.reload().await
    }

    async fn reload(&self) -> Result<(), TokenError> {
        let begun = self.clock.monotonic();
        let told = self.freshness().told;
        let read = rows::read(&self.databases).await?;
        // First what is accepted: a key that was revoked must not wait for the seal of another.
        self.keys.replace(rows::public(&read)?)?;
        if rows::active_kid(&read) != Some(self.signer.kid().as_str()) {
            self.signer.replace(rows::open_active(&read, &*self.seal).await?);
        }
        let mut freshness = self.freshness();
        if !freshness.connected {
            freshness.unsure_since = Some(begun);
        } else if freshness.told == told {
            freshness.unsure_since = None;
        }
        Ok(())
    }

    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.get() {
            watch.abort();
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys")
            .field("keys", &self.keys)
            .field("freshness", &*self.freshness())
            .finish_non_exhaustive()
    }
}
