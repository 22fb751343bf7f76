//! What the application's role may do with the tables of keys.

#![expect(clippy::disallowed_types, reason = "the tests look at the database from outside")]

use sqlx::{PgConnection, Row};

use super::*;
use crate::database::server::{code, count, run, texts, try_run};

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_role_reads_one_ring_at_a_time_and_changes_none() {
    let bank = Bank::new().await;
    let process = bank.process();
    let scope = bank.scope();
    process.vault.seal(&scope, TAX_ID.in_row(bank.clock.uuid()), b"x").await.unwrap();
    let mut app = bank.db.connect_app().await;
    let ring = "select id from saas_tenancy.keys_of_tenant($1)";
    let ring = sqlx::query(ring).bind(scope.tenant().as_uuid()).fetch_all(&mut app).await;
    assert_eq!(ring.unwrap().len(), 1);
    run(&mut app, &format!("set app.tenant_id = '{}'", scope.tenant())).await;
    for refused in [
        "select 1 from saas_tenancy.tenant_keys",
        "select 1 from saas_tenancy.keyrings",
        "select 1 from saas_tenancy.reencryptions",
        "delete from saas_tenancy.tenant_keys",
        "update saas_tenancy.keyrings set destroyed_at = null",
        "truncate saas_tenancy.tenant_keys",
        "select saas_tenancy.destroy_keys()",
    ] {
        let error = try_run(&mut app, refused).await.expect_err(refused);
        assert_eq!(code(&error), "42501", "{refused}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_ring_leaves_a_tombstone_that_nobody_removes() {
    let bank = Bank::new().await;
    let process = bank.process();
    let scope = bank.scope();
    process.vault.seal(&scope, TAX_ID.in_row(bank.clock.uuid()), b"x").await.unwrap();
    process.vault.keys().destroy(scope.tenant()).await.unwrap();
    let mut outside = bank.db.connect().await;
    assert_eq!(count(&mut outside, "select count(*) from saas_tenancy.tenant_keys").await, 0);
    let tombstones = "select count(*) from saas_tenancy.keyrings where destroyed_at is not null";
    assert_eq!(count(&mut outside, tombstones).await, 1);
    for refused in [
        "delete from saas_tenancy.keyrings",
        "update saas_tenancy.keyrings set destroyed_at = null",
        "update saas_tenancy.keyrings set tenant_id = gen_random_uuid()",
    ] {
        assert!(try_run(&mut outside, refused).await.is_err(), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_another_policy_nor_ownership_opens_the_tables_of_keys() {
    let bank = Bank::new().await;
    let process = bank.process();
    process.vault.seal(&bank.scope(), TAX_ID.in_row(bank.clock.uuid()), b"x").await.unwrap();
    let mut outside = bank.db.connect().await;
    let mut app = bank.db.connect_app().await;
    for table in ["keyrings", "tenant_keys", "reencryptions"] {
        run(&mut outside, &format!("grant select on saas_tenancy.{table} to saas_app")).await;
        let open = format!("create policy careless on saas_tenancy.{table} using (true)");
        run(&mut outside, &open).await;
    }
    run(&mut outside, "set role saas_owner").await;
    for conn in [&mut app, &mut outside] {
        for table in ["keyrings", "tenant_keys"] {
            let sql = format!("select count(*) from saas_tenancy.{table}");
            assert_eq!(count(conn, &sql).await, 0, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_values_nor_keys_stand_in_the_database() {
    let bank = Bank::new().await;
    let process = bank.process();
    let scope = bank.scope();
    process.vault.seal(&scope, TAX_ID.in_row(bank.clock.uuid()), b"x").await.unwrap();
    let mut outside = bank.db.connect().await;
    let kek = std::fs::read_to_string(bank.key_file()).unwrap();
    let kek = kek.lines().last().unwrap().split(' ').nth(1).unwrap().to_owned();
    let rows = texts(
        &mut outside,
        "select format('%s %s', kek, encode(wrapped, 'hex')) from saas_tenancy.tenant_keys",
    )
    .await;
    // A wrapped key: nonce, key, tag.
    assert!(rows.iter().all(|row| row.starts_with("file:1:") && !row.contains(&kek)), "{rows:?}");
    let lengths = lengths(&mut outside).await;
    assert_eq!(lengths, [12 + 32 + 16]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_keys_leaves_a_line_in_the_audit() {
    let bank = Bank::new().await;
    let process = bank.process();
    let scope = bank.scope();
    process.vault.seal(&scope, TAX_ID.in_row(bank.clock.uuid()), b"x").await.unwrap();
    process.kek.rotate().unwrap();
    assert_eq!(process.vault.keys().rewrap().await.unwrap(), 1);
    process.vault.keys().destroy(scope.tenant()).await.unwrap();
    let mut outside = bank.db.connect().await;
    let reasons = "select reason from saas_tenancy.system_audit
         where reason <> 'keys.list' order by occurred_at, id";
    let reasons = texts(&mut outside, reasons).await;
    assert_eq!(reasons, ["keys.add", "keys.rewrap", "keys.destroy"]);
}

async fn lengths(conn: &mut PgConnection) -> Vec<i32> {
    let sql = "select distinct octet_length(wrapped) from saas_tenancy.tenant_keys";
    sqlx::query(sql).fetch_all(conn).await.unwrap().iter().map(|row| row.get(0)).collect()
}
