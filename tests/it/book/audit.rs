//! What `docs/src/audit.md` shows.

use std::sync::Arc;

use chrono::TimeDelta;
use saas_core::{
    AuditEntry, Clock,
    audit::{Action, Changes, Target},
};
use saas_tenancy::{
    Isolation, TenantStore,
    audit::{
        self, AuditError, AuditLog, CheckpointKey, Filter, Format, Range, Sealer, SealerOptions,
        checkpoint::FileCheckpoints, sink::FileSink, verify_export,
    },
    db::{TenantDatabases, TenantDb},
};
use saas_tests::world::World;
use serde_json::json;

// ANCHOR: append
const RENAMED: Action = Action::literal("note.rename");

/// Changes a note, and writes down that it did.
async fn rename(db: &mut TenantDb, id: &str, text: &str, clock: &Clock) -> Result<(), AuditError> {
    let mut tx = db.begin().await?;
    // … the change itself, on `tx` …
    let entry = AuditEntry::new(tx.scope(), RENAMED, Target::new("note", id), clock)
        .with_changes(Changes::between(&json!({ "text": "milk" }), &json!({ "text": text })));
    audit::append(&mut tx, &entry).await?;
    Ok(tx.commit().await?)
}
// ANCHOR_END: append

// ANCHOR: start
/// The logs of all tenants, and the task that seals them. Keep the task as long as the process lives.
fn start(
    databases: TenantDatabases,
    store: Arc<dyn TenantStore>,
    clock: Clock,
    dir: &std::path::Path,
) -> Result<(AuditLog, Sealer), AuditError> {
    let key = CheckpointKey::load_or_create(&dir.join("audit-key.pem"))?;
    let signed = Arc::new(FileCheckpoints::new(dir.join("checkpoints")));
    let log = AuditLog::new(databases, store, clock.clone()).with_checkpoints(key, signed);
    let options = SealerOptions::new()
        .with_checkpoints(1_000, TimeDelta::minutes(10))
        .with_sink(Arc::new(FileSink::new(dir.join("copies"), clock)));
    let sealer = Sealer::spawn(log.clone(), options);
    Ok((log, sealer))
}
// ANCHOR_END: start

#[tokio::test]
async fn an_export_shows_by_the_public_key_alone_that_it_is_whole() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let dir = tempfile::tempdir().unwrap();
    let (databases, store) = (world.databases.clone(), Arc::clone(&world.store));
    let (log, sealer) = start(databases, store, world.clock.clone(), dir.path()).unwrap();
    // What it would do in the background, the test does by itself.
    drop(sealer);
    let mut db = world.db(&tenant);
    rename(&mut db, "7", "bread", &world.clock).await.unwrap();

    let found = log.list(&mut db, &Filter::new().on_kind("note"), None, 50).await.unwrap();
    assert_eq!(found.entries.len(), 1);

    while log.seal_now(&mut db).await.unwrap().last < 1 {
        // A transaction of another test on this server is still open.
        tokio::task::yield_now().await;
    }
    log.checkpoint_now(&mut db).await.unwrap();
    let mut file = Vec::new();
    log.export(&mut db, Range::all(), Format::JsonLines, &mut file).await.unwrap();
    let pem = std::fs::read_to_string(dir.path().join("audit-key.pem")).unwrap();
    let key = CheckpointKey::from_pem(&pem.into()).unwrap().public();

    // ANCHOR: offline
    let verdict = verify_export(&*file, &key).unwrap();
    assert!(verdict.is_sound());
    assert_eq!(verdict.through_checkpoint, Some(1));
    // ANCHOR_END: offline

    let falsified = String::from_utf8(file).unwrap().replace("bread", "water");
    let bad = verify_export(falsified.as_bytes(), &key).unwrap().first_bad.unwrap();
    assert_eq!(bad.seq, 1);
}
