use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use saas_core::TenantId;

use super::{Change, KeyState, KeyStore, Keyring, NewKey, PAGE, Progress, Rewrapped, StoredKey};
use crate::vault::{
    error::VaultError,
    key::{KekId, KeyId, KeyOwner},
};

/// A [`KeyStore`] that forgets everything when the process ends. For tests.
#[derive(Debug, Default)]
pub struct MemoryKeyStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rings: BTreeMap<KeyOwner, Keyring>,
    progress: BTreeMap<(TenantId, String), Progress>,
}

impl State {
    fn keys(&mut self) -> impl Iterator<Item = (KeyOwner, &mut StoredKey)> {
        self.rings.iter_mut().flat_map(|(owner, ring)| {
            let keys = match ring {
                Keyring::Destroyed => &mut [],
                Keyring::Keys(keys) => &mut keys[..],
            };
            keys.iter_mut().map(|key| (*owner, key))
        })
    }
}

impl MemoryKeyStore {
    /// A store without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl KeyStore for MemoryKeyStore {
    async fn keyring(&self, owner: KeyOwner) -> Result<Keyring, VaultError> {
        let ring = self.state().rings.get(&owner).cloned();
        Ok(ring.unwrap_or(Keyring::Keys(Vec::new())))
    }

    async fn add(
        &self,
        owner: KeyOwner,
        key: NewKey,
        replaces: Option<KeyId>,
    ) -> Result<Change, VaultError> {
        let mut state = self.state();
        let ring = state.rings.entry(owner).or_insert(Keyring::Keys(Vec::new()));
        let Keyring::Keys(keys) = ring else { return Err(VaultError::Destroyed) };
        let NewKey { id, purpose, wrapped } = key;
        let active =
            keys.iter_mut().find(|key| key.purpose == purpose && key.state == KeyState::Active);
        if active.as_ref().map(|key| key.id) != replaces {
            return Ok(Change::Lost);
        }
        if let Some(active) = active {
            active.state = KeyState::Retired;
        }
        keys.push(StoredKey { id, purpose, state: KeyState::Active, wrapped });
        keys.sort_by_key(|key| key.id);
        Ok(Change::Made)
    }

    async fn wrapped_otherwise(
        &self,
        current: &KekId,
        after: Option<(KeyOwner, KeyId)>,
    ) -> Result<Vec<(KeyOwner, StoredKey)>, VaultError> {
        let mut state = self.state();
        let keys = state.keys().filter(|(_, key)| key.wrapped.kek != *current);
        let keys = keys.filter(|(owner, key)| Some((*owner, key.id)) > after);
        Ok(keys.take(PAGE).map(|(owner, key)| (owner, key.clone())).collect())
    }

    async fn rewrap(&self, keys: &[Rewrapped]) -> Result<u64, VaultError> {
        let mut state = self.state();
        let mut replaced = 0;
        for Rewrapped { owner, id, from, to } in keys {
            let found = state.keys().find(|(of, key)| of == owner && key.id == *id);
            if let Some((_, key)) = found.filter(|(_, key)| key.wrapped.kek == *from) {
                key.wrapped = to.clone();
                replaced += 1;
            }
        }
        Ok(replaced)
    }

    async fn destroy(&self, tenant: TenantId) -> Result<(), VaultError> {
        if tenant.as_uuid().is_nil() {
            return Err(VaultError::NotATenant);
        }
        self.state().rings.insert(KeyOwner::Tenant(tenant), Keyring::Destroyed);
        Ok(())
    }

    async fn progress(&self, tenant: TenantId, job: &str) -> Result<Option<Progress>, VaultError> {
        Ok(self.state().progress.get(&(tenant, job.to_owned())).copied())
    }

    async fn save_progress(
        &self,
        tenant: TenantId,
        job: &str,
        progress: Progress,
    ) -> Result<(), VaultError> {
        self.state().progress.insert((tenant, job.to_owned()), progress);
        Ok(())
    }
}
