//! The data keys of all tenants: made, kept at hand, rotated and destroyed.

mod cache;
mod ring;

use std::{fmt, sync::Arc};

use saas_core::{Clock, TenantId};

use self::{cache::Cache, ring::Ring};
use super::{
    context,
    error::VaultError,
    kek::KeyEncryption,
    key::{DataKey, KekId, KeyId, KeyOwner, Purpose},
    store::{Change, KeyStore, NewKey, Rewrapped},
};
#[cfg(feature = "postgres")]
use crate::store::{ChangeSink, invalidation::CHANNEL};

pub(super) use ring::OpenKey;

/// The data keys of all tenants. One per process; cheap to clone.
///
/// Unwrapped keys stay in memory for five minutes at most, and not beyond a change that is told
/// through [`KeyInvalidations`].
#[derive(Clone)]
pub struct TenantKeys(Arc<Inner>);

struct Inner {
    store: Arc<dyn KeyStore>,
    kek: Arc<dyn KeyEncryption>,
    clock: Clock,
    cache: Arc<Cache>,
    /// Held while a first key is made, so that many first values of a tenant make one.
    making: tokio::sync::Mutex<()>,
}

impl TenantKeys {
    /// Keys that are kept in `store`, wrapped by `kek`.
    ///
    /// It trusts that the store changes only through this value. Where other processes change it
    /// too, add [`with_invalidations`](Self::with_invalidations).
    #[must_use]
    pub fn new(store: Arc<dyn KeyStore>, kek: Arc<dyn KeyEncryption>, clock: Clock) -> Self {
        let cache = Arc::new(Cache::new(clock.clone()));
        let making = tokio::sync::Mutex::default();
        Self(Arc::new(Inner { store, kek, clock, cache, making }))
    }

    /// Lets a source tell what changes elsewhere. Until it is
    /// [`connected`](KeyInvalidations::connected) no key is kept in memory.
    #[must_use]
    pub fn with_invalidations(self) -> (Self, KeyInvalidations) {
        self.0.cache.cut_off();
        let invalidations = KeyInvalidations { cache: Arc::clone(&self.0.cache) };
        (self, invalidations)
    }

    /// Gives an owner a new key to seal with, and says which. Older keys go on opening what they
    /// have sealed. The key of blind indexes stays.
    ///
    /// # Errors
    /// [`VaultError::Destroyed`] when there are to be no more keys, and whatever keeps a key from
    /// being wrapped or stored.
    pub async fn rotate(&self, owner: KeyOwner) -> Result<KeyId, VaultError> {
        let purpose = owner.sealing();
        let active = self.read(owner).await?.active(purpose)?.map(ring::RingKey::id);
        let id = KeyId::generate(&self.0.clock);
        match self.add(owner, purpose, id, active).await? {
            Change::Made => Ok(id),
            // A rotation at the same moment is as good as this one.
            Change::Lost => Ok(self.active(owner, purpose).await?.id),
        }
    }

    /// Wraps every key that an older version of the key-encryption key wraps under the current one,
    /// and says how many. No sealed value changes. It can be stopped and repeated at any time.
    ///
    /// # Errors
    /// [`VaultError::KekMissing`] when an older version is gone already, and whatever keeps a key
    /// from being wrapped or stored. What was done until then stays.
    pub async fn rewrap(&self) -> Result<u64, VaultError> {
        let Inner { store, kek, cache, .. } = &*self.0;
        let current = kek.current().await?;
        let (mut done, mut after) = (0, None);
        loop {
            let page = store.wrapped_otherwise(&current, after).await?;
            let Some((owner, last)) = page.last() else { return Ok(done) };
            after = Some((*owner, last.id));
            let mut again = Vec::with_capacity(page.len());
            for (owner, key) in page {
                let context = context::of_key(owner, key.purpose, key.id);
                let data = kek.unwrap_key(&key.wrapped, &context).await?;
                let to = kek.wrap_key(&data, &context).await?;
                again.push(Rewrapped { owner, id: key.id, from: key.wrapped.kek, to });
            }
            done += store.rewrap(&again).await?;
            again.iter().for_each(|key| cache.forget(key.owner));
        }
    }

    /// The version of the key-encryption key that wraps new keys.
    ///
    /// # Errors
    /// [`VaultError::KeyEncryption`] when the keys cannot be reached or used.
    pub async fn current_kek(&self) -> Result<KekId, VaultError> {
        self.0.kek.current().await
    }

    /// Destroys all keys of a tenant, for ever: nothing that was sealed for it can be opened, and
    /// nothing new be sealed. Every process that listens knows within a second.
    ///
    /// # Errors
    /// [`VaultError::NotATenant`] for the nil id, [`VaultError::Tenancy`] when the store fails.
    pub async fn destroy(&self, tenant: TenantId) -> Result<(), VaultError> {
        let _changing = self.changing(KeyOwner::Tenant(tenant));
        self.0.store.destroy(tenant).await
    }

    /// Whether keys of `owner` are in memory.
    #[must_use]
    pub fn is_kept(&self, owner: KeyOwner) -> bool {
        self.0.cache.get(owner).is_some()
    }

    #[cfg(feature = "postgres")]
    pub(super) fn store(&self) -> &dyn KeyStore {
        &*self.0.store
    }

    /// The key that seals; made when there is none yet.
    pub(super) async fn active(
        &self,
        owner: KeyOwner,
        purpose: Purpose,
    ) -> Result<OpenKey, VaultError> {
        if let Some(key) = self.find(owner, |ring| ring.active(purpose)).await? {
            return Ok(key);
        }
        let _making = self.0.making.lock().await;
        if let Some(key) = self.find(owner, |ring| ring.active(purpose)).await? {
            return Ok(key);
        }
        let id = KeyId::generate(&self.0.clock);
        // Whether it is this key or that of another process: the next read has it.
        let (Change::Made | Change::Lost) = self.add(owner, purpose, id, None).await?;
        let found = self.find(owner, |ring| ring.active(purpose)).await?;
        // Only if the ring was emptied by hand in this moment.
        found.ok_or(VaultError::Unreadable)
    }

    /// The key that a sealed value names.
    pub(super) async fn by_id(
        &self,
        owner: KeyOwner,
        purpose: Purpose,
        id: KeyId,
    ) -> Result<OpenKey, VaultError> {
        let key = self.find(owner, |ring| ring.by_id(purpose, id)).await?;
        key.ok_or(VaultError::Unreadable)
    }

    /// Looks for a key in the ring at hand, or else in the stored one: a key may be so new that the
    /// change was not told yet.
    async fn find(
        &self,
        owner: KeyOwner,
        look: impl Fn(&Ring) -> Result<Option<&ring::RingKey>, VaultError>,
    ) -> Result<Option<OpenKey>, VaultError> {
        let kek = &*self.0.kek;
        if let Some(ring) = self.0.cache.get(owner) {
            match look(&ring)? {
                None => {}
                Some(key) => match key.open(owner, kek).await {
                    // It may have been wrapped again, and the version gone that is known here.
                    Err(VaultError::KekMissing(_)) => {}
                    opened => return opened.map(Some),
                },
            }
        }
        let ring = self.read(owner).await?;
        match look(&ring)? {
            Some(key) => key.open(owner, kek).await.map(Some),
            None => Ok(None),
        }
    }

    /// The stored ring, which is kept at hand.
    async fn read(&self, owner: KeyOwner) -> Result<Arc<Ring>, VaultError> {
        let began = self.0.cache.begin();
        let ring = Arc::new(Ring::new(self.0.store.keyring(owner).await?));
        self.0.cache.keep(owner, &ring, began);
        Ok(ring)
    }

    async fn add(
        &self,
        owner: KeyOwner,
        purpose: Purpose,
        id: KeyId,
        replaces: Option<KeyId>,
    ) -> Result<Change, VaultError> {
        let context = context::of_key(owner, purpose, id);
        let wrapped = self.0.kek.wrap_key(&DataKey::generate(), &context).await?;
        let _changing = self.changing(owner);
        self.0.store.add(owner, NewKey { id, purpose, wrapped }, replaces).await
    }

    /// To be held while the store changes an owner's ring.
    fn changing(&self, owner: KeyOwner) -> Changing<'_> {
        Changing { cache: &self.0.cache, owner }
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { store, kek, .. } = &*self.0;
        f.debug_struct("TenantKeys").field("store", store).field("kek", kek).finish_non_exhaustive()
    }
}

/// What a source of changes tells [`TenantKeys`].
///
/// It starts cut off. Dropping it cuts the source off for good: a source that died must not leave
/// keys in memory that may be destroyed by now.
#[derive(Debug)]
pub struct KeyInvalidations {
    cache: Arc<Cache>,
}

impl KeyInvalidations {
    /// From now on every change is told. What was kept until now is forgotten.
    pub fn connected(&self) {
        self.cache.connect();
    }

    /// From now on changes may be missed: every use of a key reads the store.
    pub fn disconnected(&self) {
        self.cache.cut_off();
    }

    /// An owner's keys changed.
    pub fn changed(&self, owner: KeyOwner) {
        self.cache.forget(owner);
    }

    /// Wipes keys that are too old. To be called now and then, so that a process that rests keeps
    /// none in memory.
    pub fn sweep(&self) {
        self.cache.sweep();
    }
}

#[cfg(feature = "postgres")]
impl ChangeSink for KeyInvalidations {
    fn channel(&self) -> &'static str {
        CHANNEL
    }

    fn connected(&self) {
        Self::connected(self);
    }

    fn disconnected(&self) {
        Self::disconnected(self);
    }

    fn changed(&self, payload: &str) {
        if let Ok(id) = payload.parse::<uuid::Uuid>() {
            Self::changed(self, KeyOwner::from_uuid(id));
        }
    }

    fn heard(&self) {
        self.sweep();
    }
}

impl Drop for KeyInvalidations {
    fn drop(&mut self) {
        self.cache.cut_off();
    }
}

/// Forgets a ring when a change of it ends, however it ends: one that failed or was cancelled may
/// have happened all the same.
struct Changing<'a> {
    cache: &'a Cache,
    owner: KeyOwner,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.cache.forget(self.owner);
    }
}
