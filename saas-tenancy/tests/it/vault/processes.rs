//! Several processes with the same keys.

use saas_tenancy::vault::{Field, KeyOwner, Sealed, store::conformance};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_the_store_is_kept_in_postgres() {
    let bank = Bank::new().await;
    let process = bank.process();
    let store = PostgresKeyStore::new(process.databases.clone(), bank.clock.clone());
    conformance::run(&store, &bank.clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_seals_another_opens_and_no_other_tenant() {
    let bank = Bank::new().await;
    let (here, there) = (bank.process(), bank.process());
    let (acme, globex) = (bank.scope(), bank.scope());
    let field = TAX_ID.in_row(bank.clock.uuid());
    let sealed = here.vault.seal(&acme, field, b"DE 123").await.unwrap();
    there.vault.seal(&globex, field, b"x").await.unwrap();
    assert_eq!(there.vault.open(&acme, field, &sealed).await.unwrap().expose_secret(), b"DE 123");
    let opened = there.vault.open(&globex, field, &sealed).await;
    assert!(matches!(opened, Err(VaultError::Unreadable)));
    let secret = here.vault.seal_system("smtp/password", b"secret").await.unwrap();
    let opened = there.vault.open_system("smtp/password", &secret).await.unwrap();
    assert_eq!(opened.expose_secret(), b"secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_tenant_is_lost_on_every_process_within_a_second() {
    let bank = Bank::new().await;
    let (here, there) = (bank.process(), bank.process());
    let (acme, globex) = (bank.scope(), bank.scope());
    let field = TAX_ID.in_row(bank.clock.uuid());
    let gone = here.vault.seal(&acme, field, b"gone").await.unwrap();
    let kept = here.vault.seal(&globex, field, b"kept").await.unwrap();
    until_kept(&there, &acme, field, &gone).await;
    there.vault.open(&globex, field, &kept).await.unwrap();

    here.vault.keys().destroy(acme.tenant()).await.unwrap();
    until_destroyed(async || there.vault.open(&acme, field, &gone).await).await;
    until_destroyed(async || there.vault.seal(&acme, field, b"new").await).await;
    let here = here.vault.open(&acme, field, &gone).await;
    assert!(matches!(here, Err(VaultError::Destroyed)));
    assert_eq!(there.vault.open(&globex, field, &kept).await.unwrap().expose_secret(), b"kept");
    let fresh = bank.process();
    let opened = fresh.vault.open(&acme, field, &gone).await;
    assert!(matches!(opened, Err(VaultError::Destroyed)));
    assert!(fresh.vault.keys().rotate(KeyOwner::Tenant(acme.tenant())).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_go_with_their_tenant() {
    let bank = Bank::new().await;
    let process = bank.process();
    let tenant = bank.tenant(&process, "acme").await;
    let (scope, field) = (bank.scope_of(tenant.id), TAX_ID.in_row(bank.clock.uuid()));
    let sealed = process.vault.seal(&scope, field, b"gone").await.unwrap();
    process.store.remove(tenant.id).await.unwrap();
    until_destroyed(async || process.vault.open(&scope, field, &sealed).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_never_became_ready_may_be_made_again_with_keys() {
    let bank = Bank::new().await;
    let process = bank.process();
    let id = TenantId::generate(&bank.clock);
    let new = || NewTenant::new(id, "acme".parse().unwrap(), "acme", Isolation::Shared);
    let (scope, field) = (bank.scope_of(id), TAX_ID.in_row(bank.clock.uuid()));
    process.store.insert(new()).await.unwrap();
    process.vault.seal(&scope, field, b"first").await.unwrap();
    process.store.remove(id).await.unwrap();
    until_forgotten(&process, &scope).await;
    process.store.insert(new()).await.unwrap();
    process.store.mark_ready(id).await.unwrap();
    let sealed = process.vault.seal(&scope, field, b"again").await.unwrap();
    let opened = bank.process().vault.open(&scope, field, &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), b"again");
}

/// Waits until the process has heard that the keys are gone.
async fn until_forgotten(process: &Process, scope: &Scope) {
    let forgotten = async {
        while process.vault.keys().is_kept(KeyOwner::Tenant(scope.tenant())) {
            tokio::time::sleep(SECOND / 100).await;
        }
    };
    timeout(10 * SECOND, forgotten).await.expect("the change is told");
}

/// Opens until the keys stay in memory: from then on the listener hears.
async fn until_kept(process: &Process, scope: &Scope, field: Field, sealed: &Sealed) {
    let kept = async {
        while !process.vault.keys().is_kept(KeyOwner::Tenant(scope.tenant())) {
            process.vault.open(scope, field, sealed).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    timeout(10 * SECOND, kept).await.expect("the listener connects");
}
