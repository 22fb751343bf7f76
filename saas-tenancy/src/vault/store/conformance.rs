//! The contract of [`KeyStore`] as checks that panic where it is broken.
//!
//! The suite may run on a store that others use: every check takes owners of its own. Only
//! [`run`]'s look at wrappings goes over all keys.

use saas_core::{Clock, TenantId};
use uuid::Uuid;

use super::{
    Change, KeyState, KeyStore, Keyring, NewKey, Progress, ProgressState, Rewrapped, StoredKey,
};
use crate::vault::{
    error::VaultError,
    key::{KekId, KeyId, KeyOwner, Purpose, WrappedKey},
};

/// Checks all of the contract.
///
/// # Panics
/// Where the store does not keep it.
pub async fn run(store: &dyn KeyStore, clock: &Clock) {
    keys_are_added_and_replaced(store, clock).await;
    of_two_that_add_one_wins(store, clock).await;
    purposes_do_not_meet(store, clock).await;
    destroyed_is_for_ever(store, clock).await;
    the_systems_keys_stay(store, clock).await;
    wrappings_are_replaced_if_they_are_as_expected(store, clock).await;
    progress_is_kept(store, clock).await;
}

fn tenant(clock: &Clock) -> TenantId {
    TenantId::generate(clock)
}

fn wrapped(kek: &str) -> WrappedKey {
    WrappedKey { kek: KekId::new(kek), bytes: b"wrapped".to_vec() }
}

fn new_key(clock: &Clock, purpose: Purpose) -> NewKey {
    NewKey { id: KeyId::generate(clock), purpose, wrapped: wrapped("kek-1") }
}

fn stored(new: &NewKey, state: KeyState) -> StoredKey {
    StoredKey { id: new.id, purpose: new.purpose, state, wrapped: new.wrapped.clone() }
}

async fn keys(store: &dyn KeyStore, owner: KeyOwner) -> Vec<StoredKey> {
    match store.keyring(owner).await.expect("the ring can be read") {
        Keyring::Keys(keys) => keys,
        Keyring::Destroyed => panic!("the ring is destroyed"),
    }
}

async fn add(
    store: &dyn KeyStore,
    owner: KeyOwner,
    key: &NewKey,
    replaces: Option<KeyId>,
) -> Change {
    store.add(owner, key.clone(), replaces).await.expect("a key can be added")
}

async fn keys_are_added_and_replaced(store: &dyn KeyStore, clock: &Clock) {
    let owner = KeyOwner::Tenant(tenant(clock));
    assert_eq!(keys(store, owner).await, [], "nobody begins with keys");
    let (first, second) = (new_key(clock, Purpose::Fields), new_key(clock, Purpose::Fields));
    assert_eq!(add(store, owner, &first, None).await, Change::Made);
    assert_eq!(add(store, owner, &second, Some(first.id)).await, Change::Made);
    let expected = [stored(&first, KeyState::Retired), stored(&second, KeyState::Active)];
    assert_eq!(keys(store, owner).await, expected);
    let other = KeyOwner::Tenant(tenant(clock));
    assert_eq!(keys(store, other).await, [], "another tenant has none of them");
}

async fn of_two_that_add_one_wins(store: &dyn KeyStore, clock: &Clock) {
    let owner = KeyOwner::Tenant(tenant(clock));
    let both = [new_key(clock, Purpose::Fields), new_key(clock, Purpose::Fields)];
    let (one, other) =
        tokio::join!(add(store, owner, &both[0], None), add(store, owner, &both[1], None));
    assert!(matches!((one, other), (Change::Made, Change::Lost) | (Change::Lost, Change::Made)));
    assert_eq!(keys(store, owner).await.len(), 1, "the loser leaves nothing");
    let late = add(store, owner, &new_key(clock, Purpose::Fields), None).await;
    assert_eq!(late, Change::Lost, "there is an active key");
    let wrong = Some(KeyId::generate(clock));
    let wrong = add(store, owner, &new_key(clock, Purpose::Fields), wrong).await;
    assert_eq!(wrong, Change::Lost, "the active key is another one");
}

async fn purposes_do_not_meet(store: &dyn KeyStore, clock: &Clock) {
    let owner = KeyOwner::Tenant(tenant(clock));
    let (fields, index) = (new_key(clock, Purpose::Fields), new_key(clock, Purpose::Index));
    assert_eq!(add(store, owner, &fields, None).await, Change::Made);
    assert_eq!(add(store, owner, &index, None).await, Change::Made);
    let expected = [stored(&fields, KeyState::Active), stored(&index, KeyState::Active)];
    assert_eq!(keys(store, owner).await, expected);
}

async fn destroyed_is_for_ever(store: &dyn KeyStore, clock: &Clock) {
    let (gone, unused, neighbour) = (tenant(clock), tenant(clock), tenant(clock));
    let key = new_key(clock, Purpose::Fields);
    assert_eq!(add(store, KeyOwner::Tenant(gone), &key, None).await, Change::Made);
    let kept = new_key(clock, Purpose::Fields);
    assert_eq!(add(store, KeyOwner::Tenant(neighbour), &kept, None).await, Change::Made);
    for tenant in [gone, unused, gone] {
        store.destroy(tenant).await.expect("it can be repeated");
        let owner = KeyOwner::Tenant(tenant);
        assert_eq!(store.keyring(owner).await.expect("it can be read"), Keyring::Destroyed);
        for replaces in [None, Some(key.id)] {
            let added = store.add(owner, new_key(clock, Purpose::Fields), replaces).await;
            assert!(matches!(added, Err(VaultError::Destroyed)), "{added:?}");
        }
    }
    let left = keys(store, KeyOwner::Tenant(neighbour)).await;
    assert_eq!(left, [stored(&kept, KeyState::Active)], "the neighbour keeps its key");
}

async fn the_systems_keys_stay(store: &dyn KeyStore, clock: &Clock) {
    let before = keys(store, KeyOwner::System).await.len();
    let active = keys(store, KeyOwner::System).await;
    let active = active.iter().find(|key| key.state == KeyState::Active).map(|key| key.id);
    let made = add(store, KeyOwner::System, &new_key(clock, Purpose::System), active).await;
    assert_eq!(made, Change::Made);
    let refused = store.destroy(TenantId::from_uuid(Uuid::nil())).await;
    assert!(matches!(refused, Err(VaultError::NotATenant)), "{refused:?}");
    assert_eq!(keys(store, KeyOwner::System).await.len(), before + 1);
}

async fn wrappings_are_replaced_if_they_are_as_expected(store: &dyn KeyStore, clock: &Clock) {
    let owner = KeyOwner::Tenant(tenant(clock));
    let key = new_key(clock, Purpose::Fields);
    assert_eq!(add(store, owner, &key, None).await, Change::Made);
    let (old, new) = (KekId::new("kek-1"), KekId::new("kek-2"));
    assert!(listed(store, &new, owner).await.contains(&key.id));
    assert!(!listed(store, &old, owner).await.contains(&key.id), "it is under the current one");

    let to = WrappedKey { kek: new.clone(), bytes: b"again".to_vec() };
    let change = Rewrapped { owner, id: key.id, from: old.clone(), to: to.clone() };
    let unknown = Rewrapped { id: KeyId::generate(clock), ..change.clone() };
    let replaced = store.rewrap(&[change.clone(), unknown, change]).await;
    assert_eq!(replaced.expect("keys can be wrapped again"), 1, "each once, and only known ones");
    assert_eq!(keys(store, owner).await[0].wrapped, to);
    assert!(!listed(store, &new, owner).await.contains(&key.id));
}

/// The keys of `owner` among all that another version wraps.
async fn listed(store: &dyn KeyStore, current: &KekId, owner: KeyOwner) -> Vec<KeyId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.wrapped_otherwise(current, after).await.expect("keys can be listed");
        let Some((of, last)) = page.last() else { return found };
        assert!(after.is_none_or(|after| after < (*of, last.id)), "pages ascend");
        after = Some((*of, last.id));
        found.extend(page.iter().filter(|(of, _)| *of == owner).map(|(_, key)| key.id));
    }
}

async fn progress_is_kept(store: &dyn KeyStore, clock: &Clock) {
    let (tenant, other) = (tenant(clock), tenant(clock));
    let read = async |tenant| store.progress(tenant, "members.tax_id").await.expect("readable");
    assert_eq!(read(tenant).await, None);
    for (reached, state) in
        [(Some(clock.uuid()), ProgressState::Running), (None, ProgressState::Finished)]
    {
        let progress = Progress { key: KeyId::generate(clock), reached, state };
        let saved = store.save_progress(tenant, "members.tax_id", progress).await;
        saved.expect("progress can be saved");
        assert_eq!(read(tenant).await, Some(progress));
    }
    assert_eq!(read(other).await, None);
}
