//! Rotation of both kinds of keys while values are read and written.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use saas_tenancy::{
    TenancyError,
    db::TenantTx,
    vault::{
        KeyOwner, Reencrypt, Sealed, SealedColumn, SealedRow,
        store::{KeyStore, ProgressState},
    },
};
use sqlx::Row;
use uuid::Uuid;

use super::*;
use crate::database::server::{count, run};

// ANCHOR: column
/// The tax numbers of members.
#[derive(Debug)]
struct TaxIds;

#[async_trait]
impl SealedColumn for TaxIds {
    fn column(&self) -> Column {
        TAX_ID
    }

    async fn read(
        &self,
        tx: &mut TenantTx<'_>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<SealedRow>, TenancyError> {
        let sql = "select id, tax_id from members
             where $1::uuid is null or id > $1 order by id limit $2 for update";
        let query = sqlx::query(sql).bind(after).bind(i64::from(limit));
        let rows = query.fetch_all(tx).await?;
        let row = |row: &sqlx::postgres::PgRow| {
            let sealed: Vec<u8> = row.try_get("tax_id")?;
            Ok(SealedRow { id: row.try_get("id")?, sealed: sealed.into() })
        };
        rows.iter().map(row).collect()
    }

    async fn write(
        &self,
        tx: &mut TenantTx<'_>,
        row: Uuid,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<(), TenancyError> {
        let sql = "update members set tax_id = $3 where id = $1 and tax_id = $2";
        let query = sqlx::query(sql).bind(row).bind(old.as_bytes()).bind(new.as_bytes());
        query.execute(tx).await?;
        Ok(())
    }
}
// ANCHOR_END: column

/// Writes so many members with a sealed tax number each.
async fn members(bank: &Bank, process: &Process, db: &mut TenantDb, count: usize) -> Vec<Uuid> {
    let ids: Vec<Uuid> = (0..count).map(|_| bank.clock.uuid()).collect();
    let mut tx = db.begin().await.unwrap();
    for id in &ids {
        let sealed = process.vault.seal(tx.scope(), TAX_ID.in_row(*id), id.as_bytes());
        let sealed = sealed.await.unwrap();
        let insert = "insert into members (id, tax_id) values ($1, $2)";
        let insert = sqlx::query(insert).bind(id).bind(sealed.as_bytes());
        insert.execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    ids
}

/// Which keys the stored values are under.
async fn keys_in_use(db: &mut TenantDb) -> Vec<Option<saas_tenancy::vault::KeyId>> {
    let mut tx = db.begin().await.unwrap();
    let rows = TaxIds.read(&mut tx, None, 1_000).await.unwrap();
    let mut keys: Vec<_> = rows.iter().map(|row| row.sealed.key_id()).collect();
    keys.dedup();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_is_sealed_again_in_batches_and_goes_on_where_it_stopped() {
    let bank = Bank::new().await;
    let process = bank.process();
    let tenant = bank.tenant(&process, "acme").await;
    let mut db = process.db(&bank, &tenant);
    let ids = members(&bank, &process, &mut db, 25).await;
    let job = Reencrypt::new(process.vault.clone()).with_batch(10);
    assert_eq!(job.run(&mut db, &TaxIds).await.unwrap(), 0, "all is under the active key");

    let new = process.vault.keys().rotate(KeyOwner::Tenant(tenant.id)).await.unwrap();
    let (state, sealed) = job.step(&mut db, &TaxIds).await.unwrap();
    assert_eq!((state, sealed), (ProgressState::Running, 10));
    // Another process goes on. It does not look at the first ten again.
    let there = bank.process();
    let job = Reencrypt::new(there.vault.clone()).with_batch(10);
    let mut there = there.db(&bank, &tenant);
    assert_eq!(job.run(&mut there, &TaxIds).await.unwrap(), 15);
    assert_eq!(job.run(&mut there, &TaxIds).await.unwrap(), 0);
    assert_eq!(keys_in_use(&mut db).await, [Some(new)]);

    let store = PostgresKeyStore::new(process.databases.clone(), bank.clock.clone());
    let progress = store.progress(tenant.id, "members.tax_id").await.unwrap().unwrap();
    assert_eq!((progress.key, progress.state), (new, ProgressState::Finished));
    assert_eq!(progress.reached, ids.last().copied());
    // What was sealed anew still opens in its own row.
    let mut tx = db.begin().await.unwrap();
    for SealedRow { id, sealed } in TaxIds.read(&mut tx, None, 1_000).await.unwrap() {
        let opened = process.vault.open(tx.scope(), TAX_ID.in_row(id), &sealed).await.unwrap();
        assert_eq!(opened.expose_secret(), id.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_open_stops_the_work_and_stays_as_it_is() {
    let bank = Bank::new().await;
    let process = bank.process();
    let tenant = bank.tenant(&process, "acme").await;
    let mut db = process.db(&bank, &tenant);
    members(&bank, &process, &mut db, 3).await;
    let mut outside = bank.db.connect().await;
    run(&mut outside, "update app.members set tax_id = '\\x00'").await;
    process.vault.keys().rotate(KeyOwner::Tenant(tenant.id)).await.unwrap();
    let done = Reencrypt::new(process.vault.clone()).run(&mut db, &TaxIds).await;
    assert!(matches!(done, Err(VaultError::Unreadable)), "{done:?}");
    let left = "select count(*) from app.members where tax_id = '\\x00'";
    assert_eq!(count(&mut outside, left).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_writers_run_while_both_kinds_of_keys_rotate() {
    const ROUNDS: usize = 4;
    let bank = Arc::new(Bank::new().await);
    let processes = [Arc::new(bank.process()), Arc::new(bank.process())];
    let tenant = bank.tenant(&processes[0], "acme").await;
    let ids =
        Arc::new(members(&bank, &processes[0], &mut processes[0].db(&bank, &tenant), 40).await);
    let stop = Arc::new(AtomicBool::new(false));
    let (reads, writes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut workers = tokio::task::JoinSet::new();
    for (worker, process) in processes.iter().cycle().take(4).enumerate() {
        let mut load = Load {
            process: process.clone(),
            db: process.db(&bank, &tenant),
            ids: ids.clone(),
            counters: (reads.clone(), writes.clone()),
        };
        let stop = stop.clone();
        workers.spawn(async move {
            let mut round = worker;
            while !stop.load(Ordering::SeqCst) {
                load.write(round).await;
                load.read(round).await;
                round += 7;
            }
        });
    }
    let mut db = processes[0].db(&bank, &tenant);
    for round in 0..ROUNDS {
        let process = &processes[round % 2];
        process.kek.rotate().unwrap();
        process.vault.keys().rewrap().await.unwrap();
        process.vault.keys().rotate(KeyOwner::Tenant(tenant.id)).await.unwrap();
        let job = Reencrypt::new(process.vault.clone()).with_batch(7);
        job.run(&mut db, &TaxIds).await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.expect("no reader and no writer fails");
    }
    let (reads, writes) = (reads.load(Ordering::SeqCst), writes.load(Ordering::SeqCst));
    assert!(reads > 20 && writes > 20, "{reads} reads, {writes} writes: nothing ran meanwhile");

    // Afterwards the old versions of the file can go, and nothing is lost.
    let newest = processes[0].vault.keys().current_kek().await.unwrap();
    let mut outside = bank.db.connect().await;
    let others = format!("select count(*) from saas_tenancy.tenant_keys where kek <> '{newest}'");
    assert_eq!(count(&mut outside, &others).await, 0);
    forget_old_versions(&bank);
    let fresh = bank.process();
    let mut tx = db.begin().await.unwrap();
    for SealedRow { id, sealed } in TaxIds.read(&mut tx, None, 1_000).await.unwrap() {
        let opened = fresh.vault.open(tx.scope(), TAX_ID.in_row(id), &sealed).await.unwrap();
        assert_eq!(opened.expose_secret(), id.as_bytes());
    }
}

/// Leaves only the newest version in the file of keys.
fn forget_old_versions(bank: &Bank) {
    let text = std::fs::read_to_string(bank.key_file()).unwrap();
    std::fs::write(bank.key_file(), text.lines().last().unwrap()).unwrap();
}

/// One worker that reads and writes.
struct Load {
    process: Arc<Process>,
    db: TenantDb,
    ids: Arc<Vec<Uuid>>,
    counters: (Arc<AtomicUsize>, Arc<AtomicUsize>),
}

impl Load {
    async fn write(&mut self, round: usize) {
        let id = self.ids[round % self.ids.len()];
        let mut tx = self.db.begin().await.unwrap();
        let sealed = self.process.vault.seal(tx.scope(), TAX_ID.in_row(id), id.as_bytes());
        let sealed = sealed.await.unwrap();
        let update = sqlx::query("update members set tax_id = $2 where id = $1");
        update.bind(id).bind(sealed.as_bytes()).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        self.counters.1.fetch_add(1, Ordering::SeqCst);
    }

    async fn read(&mut self, round: usize) {
        let id = self.ids[(round * 3) % self.ids.len()];
        let mut tx = self.db.begin().await.unwrap();
        let select = sqlx::query_scalar("select tax_id from members where id = $1").bind(id);
        let sealed: Vec<u8> = select.fetch_one(&mut tx).await.unwrap();
        let opened = self.process.vault.open(tx.scope(), TAX_ID.in_row(id), &sealed.into()).await;
        assert_eq!(opened.unwrap().expose_secret(), id.as_bytes());
        self.counters.0.fetch_add(1, Ordering::SeqCst);
    }
}
