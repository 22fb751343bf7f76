//! A superuser with the triggers off against the check of the log: the first bad entry is named.

use saas_tenancy::{
    Isolation, ResolvedTenant,
    audit::{Bad, Why},
};
use sqlx::PgConnection;

use super::World;
use crate::database::server::{run, texts};

/// Ways to falsify the log of five entries, which is signed at its end, and what the check says.
/// `{tenant}` stands for the victim.
const ATTACKS: [(&str, &str, i64, Why); 12] = [
    (
        "the content of an entry is edited",
        "update saas_audit set entry = replace(entry, 'success', 'refused') where target_id = '3' and {mine}",
        3,
        Why::Edited,
    ),
    (
        "the actor is edited beside the content",
        "update saas_audit set actor = 'user:x' where target_id = '2' and {mine}",
        2,
        Why::Edited,
    ),
    (
        "the time is edited",
        "update saas_audit set occurred_at = occurred_at - interval '1 second' where target_id = '4' and {mine}",
        4,
        Why::Missing,
    ),
    ("an entry is deleted", "delete from saas_audit where target_id = '3' and {mine}", 3, Why::Missing),
    (
        "an entry is deleted with its seal",
        "delete from saas_audit where target_id = '3' and {mine};
         delete from saas_audit_seals where seq = 3 and {mine}",
        3,
        Why::NoSeal,
    ),
    (
        "two entries change places",
        "update saas_audit_seals set seq = -seq where seq in (2, 3) and {mine};
         update saas_audit_seals set seq = 5 + seq where seq in (-2, -3) and {mine}",
        2,
        Why::OutOfOrder,
    ),
    (
        "two entries change places, with their links",
        "create temp table gone as select * from saas_audit_seals where seq in (2, 3) and {mine};
         delete from saas_audit_seals where seq in (2, 3) and {mine};
         insert into saas_audit_seals select a.tenant_id, a.seq, b.entry_id, b.occurred_at, a.sealed_at, a.prev, a.hash
             from gone a join gone b on b.seq = 5 - a.seq;
         drop table gone",
        2,
        Why::Edited,
    ),
    ("the log is emptied", "truncate saas_audit", 1, Why::Missing),
    ("the log is emptied with its seals", "truncate saas_audit, saas_audit_seals", 1, Why::CutOff),
    (
        "the tail is cut off",
        "delete from saas_audit where target_id in ('4', '5') and {mine};
         delete from saas_audit_seals where seq > 3 and {mine}",
        4,
        Why::CutOff,
    ),
    (
        "an entry is planted among sealed ones",
        "insert into saas_audit select tenant_id, gen_random_uuid(), occurred_at, actor, action,
             target_kind, 'planted', outcome, entry, '3' from saas_audit where target_id = '2' and {mine}",
        6,
        Why::Planted,
    ),
    (
        "an entry is planted with a seal between two others",
        "update saas_audit_seals set seq = -seq where seq > 2 and {mine};
         update saas_audit_seals set seq = 1 - seq where seq < 0 and {mine};
         insert into saas_audit select tenant_id, gen_random_uuid(), occurred_at, actor, action,
             target_kind, 'planted', outcome, entry, '3' from saas_audit where target_id = '2' and {mine};
         insert into saas_audit_seals select s.tenant_id, 3, e.id, e.occurred_at, s.sealed_at, s.hash, sha256('x')
             from saas_audit_seals s, saas_audit e where s.seq = 2 and s.{mine} and e.{mine} and e.target_id = 'planted'",
        3,
        Why::Edited,
    ),
];

#[tokio::test]
async fn every_falsified_log_is_found_with_its_first_bad_entry() {
    for isolation in Isolation::ALL {
        let world = World::new().await;
        for (number, (what, sql, seq, why)) in ATTACKS.into_iter().enumerate() {
            let tenant = signed(&world, &format!("victim-{number}"), isolation).await;
            let mut outside = world.superuser(&tenant).await;
            unguard(&mut outside).await;
            let mine = format!("tenant_id = '{}'", tenant.id);
            run(&mut outside, &sql.replace("{mine}", &mine)).await;
            let bad = first_bad(&world, &tenant).await;
            let bad = bad.unwrap_or_else(|| panic!("{isolation}: {what} is not found"));
            assert_eq!((bad.seq, bad.why), (seq, why), "{isolation}: {what}");
            run(&mut outside, "select saas_audit_guard()").await;
        }
    }
}

#[tokio::test]
async fn a_chain_that_is_rewritten_differs_from_what_was_signed() {
    for isolation in Isolation::ALL {
        let world = World::new().await;
        let tenant = signed(&world, "victim", isolation).await;
        let mut outside = world.superuser(&tenant).await;
        unguard(&mut outside).await;
        run(
            &mut outside,
            "update saas_audit set outcome = 'refused' where target_id = '2';
             delete from saas_audit_seals",
        )
        .await;
        // The attacker lets the sealer itself make the new chain.
        world.seal(&tenant, 5).await;
        let bad = first_bad(&world, &tenant).await.unwrap();
        assert_eq!((bad.seq, bad.why), (5, Why::Rewritten), "{isolation}");
    }
}

#[tokio::test]
async fn rows_that_are_swapped_between_tenants_are_found_at_both() {
    let world = World::new().await;
    let acme = signed(&world, "acme", Isolation::Shared).await;
    let globex = signed(&world, "globex", Isolation::Shared).await;
    let mut outside = world.superuser(&acme).await;
    unguard(&mut outside).await;
    let swap = format!(
        "update saas_audit set tenant_id = case tenant_id when '{0}' then '{1}'::uuid else '{0}'::uuid end
         where target_id = '2' and tenant_id in ('{0}', '{1}')",
        acme.id, globex.id
    );
    run(&mut outside, &swap).await;
    for tenant in [&acme, &globex] {
        let bad = first_bad(&world, tenant).await.unwrap();
        assert_eq!((bad.seq, bad.why), (2, Why::Missing));
    }
    // With the seals swapped along, what was hashed still names the other tenant.
    let swap = format!(
        "update saas_audit_seals set seq = -2 where tenant_id = '{0}' and seq = 2;
         update saas_audit_seals set tenant_id = '{0}' where tenant_id = '{1}' and seq = 2;
         update saas_audit_seals set tenant_id = '{1}', seq = 2 where tenant_id = '{0}' and seq = -2",
        acme.id, globex.id
    );
    run(&mut outside, &swap).await;
    for tenant in [&acme, &globex] {
        let bad = first_bad(&world, tenant).await.unwrap();
        assert_eq!((bad.seq, bad.why), (2, Why::OutOfOrder));
    }
}

#[tokio::test]
async fn what_was_encrypted_is_verified_after_its_key_is_gone() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let mut tx = db.begin().await.unwrap();
    // The log holds ciphertext only; verifying it needs no key.
    let sealed = serde_json::json!({"tax_id": "v1:8f3a9c"});
    let entry = world.entry(tx.scope(), "1");
    let entry = entry.with_changes(saas_core::audit::Changes::created(&sealed));
    saas_tenancy::audit::append(&mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    world.seal(&tenant, 1).await;
    let stored = texts(&mut world.superuser(&tenant).await, "select entry from saas_audit").await;
    assert!(stored[0].contains("v1:8f3a9c"), "{stored:?}");
    assert_eq!(first_bad(&world, &tenant).await, None);
}

/// A tenant with five sealed entries, the last of which is signed.
async fn signed(world: &World, slug: &str, isolation: Isolation) -> ResolvedTenant {
    let tenant = world.tenant(slug, isolation).await;
    world.write(&tenant, &["1", "2", "3", "4", "5"]).await;
    world.seal(&tenant, 5).await;
    world.log.checkpoint_now(&mut world.open(&tenant)).await.unwrap();
    let verdict = world.log.verify(&mut world.open(&tenant)).await.unwrap();
    assert_eq!((verdict.checked, verdict.through_checkpoint), (5, Some(5)));
    assert_eq!(verdict.first_bad, None);
    tenant
}

async fn first_bad(world: &World, tenant: &ResolvedTenant) -> Option<Bad> {
    world.log.verify(&mut world.open(tenant)).await.unwrap().first_bad
}

/// Takes the triggers off, as who owns the server can.
async fn unguard(outside: &mut PgConnection) {
    let tables = "select c.oid::regclass::text from pg_class c
        where c.oid in ('saas_audit'::regclass, 'saas_audit_seals'::regclass)
           or exists (select from pg_inherits where inhrelid = c.oid and inhparent = 'saas_audit'::regclass)";
    for table in texts(outside, tables).await {
        run(outside, &format!("alter table {table} disable trigger user")).await;
    }
}
