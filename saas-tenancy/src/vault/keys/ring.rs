//! The keys of one owner, unwrapped when they are first used.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::vault::{
    context,
    error::VaultError,
    kek::KeyEncryption,
    key::{DataKey, KeyId, KeyOwner, Purpose},
    store::{KeyState, Keyring, StoredKey},
};

/// The keys of one owner.
#[derive(Debug)]
pub(super) enum Ring {
    Destroyed,
    Keys(Vec<RingKey>),
}

/// One of them.
#[derive(Debug)]
pub(super) struct RingKey {
    stored: StoredKey,
    unwrapped: OnceCell<Arc<DataKey>>,
}

/// A key that can be used.
#[derive(Debug, Clone)]
pub(in crate::vault) struct OpenKey {
    pub(in crate::vault) id: KeyId,
    pub(in crate::vault) key: Arc<DataKey>,
}

impl Ring {
    pub(super) fn new(ring: Keyring) -> Self {
        match ring {
            Keyring::Destroyed => Self::Destroyed,
            Keyring::Keys(keys) => Self::Keys(keys.into_iter().map(RingKey::new).collect()),
        }
    }

    /// The key that seals for `purpose`, if there is one.
    pub(super) fn active(&self, purpose: Purpose) -> Result<Option<&RingKey>, VaultError> {
        self.find(|key| key.purpose == purpose && key.state == KeyState::Active)
    }

    /// The key of this name, if it is for `purpose`.
    pub(super) fn by_id(
        &self,
        purpose: Purpose,
        id: KeyId,
    ) -> Result<Option<&RingKey>, VaultError> {
        self.find(|key| key.purpose == purpose && key.id == id)
    }

    fn find(&self, wanted: impl Fn(&StoredKey) -> bool) -> Result<Option<&RingKey>, VaultError> {
        match self {
            Self::Destroyed => Err(VaultError::Destroyed),
            Self::Keys(keys) => Ok(keys.iter().find(|key| wanted(&key.stored))),
        }
    }
}

impl RingKey {
    fn new(stored: StoredKey) -> Self {
        Self { stored, unwrapped: OnceCell::new() }
    }

    pub(super) const fn id(&self) -> KeyId {
        self.stored.id
    }

    /// Unwraps the key, once for all who ask.
    pub(super) async fn open(
        &self,
        owner: KeyOwner,
        kek: &dyn KeyEncryption,
    ) -> Result<OpenKey, VaultError> {
        let StoredKey { id, purpose, wrapped, .. } = &self.stored;
        let unwrap = async || {
            let context = context::of_key(owner, *purpose, *id);
            Ok::<_, VaultError>(Arc::new(kek.unwrap_key(wrapped, &context).await?))
        };
        let key = self.unwrapped.get_or_try_init(unwrap).await?;
        Ok(OpenKey { id: *id, key: Arc::clone(key) })
    }
}
