use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use saas_core::{Actor, Clock, RequestId, TenantId};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::*;

const TAX_ID: Column = Column::new("members", "tax_id");

/// A key encryption that counts how often it unwraps. What it wraps is the key itself.
#[derive(Debug, Default)]
struct Plain {
    version: AtomicUsize,
    unwrapped: AtomicUsize,
}

#[async_trait]
impl KeyEncryption for Plain {
    async fn current(&self) -> Result<KekId, VaultError> {
        Ok(KekId::new(self.version.load(Ordering::SeqCst).to_string()))
    }

    async fn wrap_key(&self, key: &DataKey, context: &[u8]) -> Result<WrappedKey, VaultError> {
        let bytes = [context, key.expose()].concat();
        Ok(WrappedKey { kek: self.current().await?, bytes })
    }

    async fn unwrap_key(
        &self,
        wrapped: &WrappedKey,
        context: &[u8],
    ) -> Result<DataKey, VaultError> {
        self.unwrapped.fetch_add(1, Ordering::SeqCst);
        // As if only the current version were kept.
        if wrapped.kek != self.current().await? {
            return Err(VaultError::KekMissing(wrapped.kek.clone()));
        }
        let key = wrapped.bytes.strip_prefix(context).and_then(DataKey::from_slice);
        key.ok_or_else(|| VaultError::key_encryption("wrapped for another context"))
    }
}

struct Bank {
    clock: Clock,
    store: Arc<MemoryKeyStore>,
    kek: Arc<Plain>,
    vault: Vault,
}

impl Bank {
    fn new() -> Self {
        let (store, kek) = (Arc::new(MemoryKeyStore::new()), Arc::new(Plain::default()));
        let clock = Clock::system();
        let vault = Self::vault_on(&store, &kek, &clock);
        Self { clock, store, kek, vault }
    }

    /// What another process has.
    fn other_process(&self) -> Vault {
        Self::vault_on(&self.store, &self.kek, &self.clock)
    }

    fn vault_on(store: &Arc<MemoryKeyStore>, kek: &Arc<Plain>, clock: &Clock) -> Vault {
        Vault::new(TenantKeys::new(store.clone(), kek.clone(), clock.clone()))
    }

    fn scope(&self) -> Scope {
        let tenant = TenantId::generate(&self.clock);
        Scope::new(tenant, Actor::Anonymous, RequestId::generate(&self.clock))
    }

    fn row(&self) -> Uuid {
        self.clock.uuid()
    }
}

#[tokio::test]
async fn the_contract_of_the_store_is_kept_in_memory() {
    store::conformance::run(&MemoryKeyStore::new(), &Clock::system()).await;
}

#[tokio::test]
async fn a_value_opens_for_its_tenant_and_field_only() {
    let bank = Bank::new();
    let (acme, globex, row) = (bank.scope(), bank.scope(), bank.row());
    let field = TAX_ID.in_row(row);
    let sealed = bank.vault.seal(&acme, field, b"DE 123").await.unwrap();
    assert_eq!(bank.vault.open(&acme, field, &sealed).await.unwrap().expose_secret(), b"DE 123");
    // The neighbour has keys of its own, and then none.
    bank.vault.seal(&globex, field, b"x").await.unwrap();
    for (scope, field) in [
        (&globex, field),
        (&bank.scope(), field),
        (&acme, TAX_ID.in_row(bank.row())),
        (&acme, Field::new("members", "phone", row)),
        (&acme, Field::new("guests", "tax_id", row)),
    ] {
        let error = bank.vault.open(scope, field, &sealed).await.unwrap_err();
        assert!(matches!(error, VaultError::Unreadable), "{field:?}: {error}");
        assert_eq!(error.to_string(), "the sealed value cannot be opened here");
    }
}

#[tokio::test]
async fn a_secret_of_the_system_opens_under_its_name_only() {
    let bank = Bank::new();
    let sealed = bank.vault.seal_system("jwt/key/1", b"secret").await.unwrap();
    let opened = bank.vault.open_system("jwt/key/1", &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), b"secret");
    let moved = bank.vault.open_system("jwt/key/2", &sealed).await;
    assert!(matches!(moved, Err(VaultError::Unreadable)));
    // The nil id is no way for a request to get at it.
    let nil = Scope::new(
        TenantId::from_uuid(Uuid::nil()),
        Actor::Anonymous,
        RequestId::generate(&bank.clock),
    );
    let opened = bank.vault.open(&nil, TAX_ID.in_row(bank.row()), &sealed).await;
    assert!(matches!(opened, Err(VaultError::Unreadable)));
    let destroyed = bank.vault.keys().destroy(nil.tenant()).await;
    assert!(matches!(destroyed, Err(VaultError::NotATenant)));
}

#[tokio::test]
async fn a_blind_index_is_equal_for_equal_values_of_one_tenant_and_column() {
    let bank = Bank::new();
    let (acme, globex) = (bank.scope(), bank.scope());
    let index = |scope: Scope, column, value: &'static [u8]| {
        let vault = bank.vault.clone();
        async move { vault.blind_index(&scope, column, value).await.unwrap() }
    };
    let first = index(acme.clone(), TAX_ID, b"DE123").await;
    assert_eq!(index(acme.clone(), TAX_ID, b"DE123").await, first);
    assert_ne!(index(acme.clone(), TAX_ID, b"DE124").await, first);
    assert_ne!(index(globex, TAX_ID, b"DE123").await, first);
    assert_ne!(index(acme.clone(), Column::new("members", "phone"), b"DE123").await, first);
    assert_ne!(index(acme.clone(), Column::new("guests", "tax_id"), b"DE123").await, first);
    bank.vault.keys().rotate(KeyOwner::Tenant(acme.tenant())).await.unwrap();
    assert_eq!(index(acme, TAX_ID, b"DE123").await, first, "a rotation leaves it alone");
}

#[test]
fn the_index_is_what_it_always_was() {
    // Computed apart from this code, by another library.
    let expected = "41cd85b63f63d73b41332a07af63edf12a71dba45089fcbc9ccfaed0c8a5dd56";
    let tenant = TenantId::from_uuid(Uuid::from_bytes([0xb2; 16]));
    let key = DataKey::from_slice(&[7; 32]).unwrap();
    let index = BlindIndex::of(&key, &TAX_ID.index_info(tenant), b"DE123");
    let hex: String = index.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[tokio::test]
async fn a_rotation_seals_anew_and_opens_what_is_old() {
    let bank = Bank::new();
    let (acme, row) = (bank.scope(), bank.row());
    let owner = KeyOwner::Tenant(acme.tenant());
    let old = bank.vault.seal(&acme, TAX_ID.in_row(row), b"old").await.unwrap();
    let there = bank.other_process();
    there.open(&acme, TAX_ID.in_row(row), &old).await.unwrap();
    let id = bank.vault.keys().rotate(owner).await.unwrap();
    let new = bank.vault.seal(&acme, TAX_ID.in_row(row), b"new").await.unwrap();
    assert_ne!(old.key_id(), new.key_id());
    assert_eq!(new.key_id(), Some(id));
    // Another process, which nobody told, opens both.
    for vault in [&bank.vault, &there] {
        for (sealed, value) in [(&old, b"old"), (&new, b"new")] {
            let opened = vault.open(&acme, TAX_ID.in_row(row), sealed).await.unwrap();
            assert_eq!(opened.expose_secret(), value);
        }
    }
}

#[tokio::test]
async fn after_a_rewrap_the_old_version_is_not_needed() {
    let bank = Bank::new();
    let (acme, field) = (bank.scope(), TAX_ID.in_row(bank.row()));
    let owner = KeyOwner::Tenant(acme.tenant());
    let old = bank.vault.seal(&acme, field, b"old").await.unwrap();
    bank.vault.keys().rotate(owner).await.unwrap();
    let new = bank.vault.seal(&acme, field, b"new").await.unwrap();
    // Another process has the ring at hand, with the old key still wrapped.
    let there = bank.other_process();
    there.open(&acme, field, &new).await.unwrap();

    let both = Arc::new(Both(bank.kek.clone()));
    let keys = TenantKeys::new(bank.store.clone(), both, bank.clock.clone());
    assert_eq!(keys.rewrap().await.unwrap(), 2);
    assert_eq!(keys.rewrap().await.unwrap(), 0, "nothing is left to do");
    bank.kek.version.store(1, Ordering::SeqCst);
    for vault in [&there, &bank.other_process()] {
        assert_eq!(vault.open(&acme, field, &old).await.unwrap().expose_secret(), b"old");
        assert_eq!(vault.open(&acme, field, &new).await.unwrap().expose_secret(), b"new");
    }
}

#[tokio::test]
async fn a_version_that_is_gone_too_early_is_named() {
    let bank = Bank::new();
    let (acme, field) = (bank.scope(), TAX_ID.in_row(bank.row()));
    let sealed = bank.vault.seal(&acme, field, b"value").await.unwrap();
    bank.kek.version.store(1, Ordering::SeqCst);
    let opened = bank.other_process().open(&acme, field, &sealed).await;
    assert!(matches!(&opened, Err(VaultError::KekMissing(kek)) if kek.as_str() == "0"));
    assert!(matches!(bank.vault.keys().rewrap().await, Err(VaultError::KekMissing(_))));
}

/// Both versions of a [`Plain`], of which 1 is current.
#[derive(Debug)]
struct Both(Arc<Plain>);

#[async_trait]
impl KeyEncryption for Both {
    async fn current(&self) -> Result<KekId, VaultError> {
        Ok(KekId::new("1"))
    }

    async fn wrap_key(&self, key: &DataKey, context: &[u8]) -> Result<WrappedKey, VaultError> {
        let wrapped = self.0.wrap_key(key, context).await?;
        Ok(WrappedKey { kek: self.current().await?, ..wrapped })
    }

    async fn unwrap_key(
        &self,
        wrapped: &WrappedKey,
        context: &[u8],
    ) -> Result<DataKey, VaultError> {
        let kek = self.0.current().await?;
        self.0.unwrap_key(&WrappedKey { kek, ..wrapped.clone() }, context).await
    }
}

#[tokio::test]
async fn a_wrapped_key_that_is_moved_to_another_tenant_does_not_open() {
    let bank = Bank::new();
    let (acme, globex, row) = (bank.scope(), bank.scope(), bank.row());
    let sealed = bank.vault.seal(&acme, TAX_ID.in_row(row), b"value").await.unwrap();
    let ring = bank.store.keyring(KeyOwner::Tenant(acme.tenant())).await.unwrap();
    let store::Keyring::Keys(keys) = ring else { panic!("destroyed") };
    let store::StoredKey { id, purpose, wrapped, .. } = keys[0].clone();
    let moved = store::NewKey { id, purpose, wrapped };
    let moved = bank.store.add(KeyOwner::Tenant(globex.tenant()), moved, None).await.unwrap();
    assert_eq!(moved, store::Change::Made);
    let opened = bank.vault.open(&globex, TAX_ID.in_row(row), &sealed).await;
    assert!(matches!(opened, Err(VaultError::KeyEncryption(_))), "{opened:?}");
}

#[tokio::test]
async fn destroyed_keys_open_nothing_and_the_neighbours_stay() {
    let bank = Bank::new();
    let (acme, globex) = (bank.scope(), bank.scope());
    let field = TAX_ID.in_row(bank.row());
    let gone = bank.vault.seal(&acme, field, b"gone").await.unwrap();
    let kept = bank.vault.seal(&globex, field, b"kept").await.unwrap();
    bank.vault.keys().destroy(acme.tenant()).await.unwrap();
    let destroyed = |error| assert!(matches!(error, VaultError::Destroyed), "{error}");
    destroyed(bank.vault.open(&acme, field, &gone).await.unwrap_err());
    destroyed(bank.vault.seal(&acme, field, b"new").await.unwrap_err());
    destroyed(bank.vault.blind_index(&acme, TAX_ID, b"x").await.unwrap_err());
    destroyed(bank.vault.keys().rotate(KeyOwner::Tenant(acme.tenant())).await.unwrap_err());
    assert!(bank.vault.open(&globex, field, &kept).await.is_ok());
}

#[tokio::test]
async fn keys_are_unwrapped_once_and_made_once() {
    let bank = Bank::new();
    let (acme, row) = (bank.scope(), bank.row());
    let seal = || bank.vault.seal(&acme, TAX_ID.in_row(row), b"value");
    let many = futures_util::future::join_all((0..50).map(|_| seal())).await;
    let ids: BTreeSet<_> = many.into_iter().map(|sealed| sealed.unwrap().key_id()).collect();
    assert_eq!(ids.len(), 1, "many first values make one key");
    assert_eq!(bank.kek.unwrapped.load(Ordering::SeqCst), 1);
    let two = bank.other_process();
    let both = tokio::join!(
        two.blind_index(&acme, TAX_ID, b"x"),
        bank.vault.blind_index(&acme, TAX_ID, b"x")
    );
    assert_eq!(both.0.unwrap(), both.1.unwrap(), "two processes at once make one key, too");
}

#[tokio::test]
async fn while_nobody_tells_of_changes_every_use_reads_the_store() {
    let bank = Bank::new();
    let (acme, field) = (bank.scope(), TAX_ID.in_row(bank.row()));
    let sealed = bank.vault.seal(&acme, field, b"value").await.unwrap();
    let (keys, told) = bank.other_process().keys().clone().with_invalidations();
    let there = Vault::new(keys);
    told.connected();
    there.open(&acme, field, &sealed).await.unwrap();
    bank.vault.keys().destroy(acme.tenant()).await.unwrap();
    assert!(there.open(&acme, field, &sealed).await.is_ok(), "nobody told");
    drop(told);
    let opened = there.open(&acme, field, &sealed).await;
    assert!(matches!(opened, Err(VaultError::Destroyed)));
}
