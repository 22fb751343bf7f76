//! What `docs/src/tenant-keys.md` shows: a field of a member, sealed and found again.

use saas_tenancy::{db::TenantTx, vault::Sealed};
use sqlx::Row;
use uuid::Uuid;

use super::*;

// ANCHOR: normalise
/// The same number in all the ways people write it.
fn normalised(tax_id: &str) -> Vec<u8> {
    let letters = tax_id.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect::<String>().into_bytes()
}
// ANCHOR_END: normalise

// ANCHOR: seal
async fn add(
    vault: &Vault,
    tx: &mut TenantTx<'_>,
    id: Uuid,
    tax_id: &str,
) -> Result<(), VaultError> {
    let sealed = vault.seal(tx.scope(), TAX_ID.in_row(id), tax_id.as_bytes()).await?;
    let index = vault.blind_index(tx.scope(), TAX_ID, &normalised(tax_id)).await?;
    let sql = "insert into members (id, tax_id, tax_id_index) values ($1, $2, $3)";
    let insert = sqlx::query(sql).bind(id).bind(sealed.as_bytes()).bind(index.as_bytes());
    insert.execute(tx).await.map_err(saas_tenancy::TenancyError::from)?;
    Ok(())
}
// ANCHOR_END: seal

// ANCHOR: find
async fn find(
    vault: &Vault,
    tx: &mut TenantTx<'_>,
    tax_id: &str,
) -> Result<Option<String>, VaultError> {
    let index = vault.blind_index(tx.scope(), TAX_ID, &normalised(tax_id)).await?;
    let sql = "select id, tax_id from members where tax_id_index = $1";
    let find = sqlx::query(sql).bind(index.as_bytes()).fetch_optional(&mut *tx).await;
    let Some(row) = find.map_err(saas_tenancy::TenancyError::from)? else { return Ok(None) };
    let sealed = Sealed::from(row.get::<Vec<u8>, _>("tax_id"));
    let opened = vault.open(tx.scope(), TAX_ID.in_row(row.get("id")), &sealed).await?;
    Ok(Some(String::from_utf8_lossy(opened.expose_secret()).into_owned()))
}
// ANCHOR_END: find

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_field_is_found_by_its_index_in_its_own_tenant_only() {
    let bank = Bank::new().await;
    let process = bank.process();
    let vault = &process.vault;
    let (acme, globex) =
        (bank.tenant(&process, "acme").await, bank.tenant(&process, "globex").await);
    let (mut acme, mut globex) = (process.db(&bank, &acme), process.db(&bank, &globex));
    let mut tx = acme.begin().await.unwrap();
    add(vault, &mut tx, bank.clock.uuid(), "DE 123-4").await.unwrap();
    let found = find(vault, &mut tx, "de 1234").await.unwrap();
    assert_eq!(found.as_deref(), Some("DE 123-4"));
    assert_eq!(find(vault, &mut tx, "de 1235").await.unwrap(), None);
    tx.commit().await.unwrap();
    let mut tx = globex.begin().await.unwrap();
    assert_eq!(find(vault, &mut tx, "de 1234").await.unwrap(), None);
}
