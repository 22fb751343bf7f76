//! Old months go, and what is left can still be verified.

use saas_tenancy::{
    Isolation,
    audit::{AuditError, Format, Range, Why, verify_export},
    migrate::{MigrateError, Month, Target, drop_audit_month},
};

use super::{World, entries};

#[tokio::test]
async fn a_month_goes_after_its_export_and_the_rest_stays_verifiable() {
    for isolation in Isolation::ALL {
        let world = World::new().await;
        let tenants =
            [world.tenant("acme", isolation).await, world.tenant("globex", isolation).await];
        // Tenants with a home of their own expire by themselves.
        let together = if isolation == Isolation::Shared { &tenants[..] } else { &tenants[..1] };
        let month = Month::of(world.clock.now());
        for tenant in together {
            world.write(tenant, &["1", "2"]).await;
            world.seal(tenant, 2).await;
        }
        let dir = tempfile::tempdir().unwrap();
        let expiry = world.log.expire(together, month, dir.path()).await.unwrap();
        for tenant in together {
            // The note about it falls into the same month here.
            world.seal(tenant, 3).await;
            let path = dir.path().join(format!("{}-{month}.ndjson", tenant.id));
            let export = std::fs::read(path).unwrap();
            let verdict = verify_export(&export[..], &world.public).unwrap();
            assert_eq!((verdict.is_sound(), verdict.checked), (true, 2));
            assert_eq!(verdict.through_checkpoint, Some(2));
        }
        let mut outside = world.superuser(&together[0]).await;
        let dropped =
            drop_audit_month(&mut outside, expiry.target, expiry.month, &expiry.tenants).await;
        assert!(dropped.unwrap(), "{isolation}");
        for tenant in together {
            assert_eq!(entries(&mut outside, tenant).await, 0);
            world.log.make_partitions(tenant.id).await.unwrap();
            world.write(tenant, &["4"]).await;
            world.seal(tenant, 4).await;
            let mut db = world.open(tenant);
            world.log.checkpoint_now(&mut db).await.unwrap();
            let verdict = world.log.verify(&mut db).await.unwrap();
            assert_eq!(verdict.first_bad, None, "{isolation}");
            assert_eq!((verdict.checked, verdict.expired), (1, 3));
            assert_eq!(verdict.through_checkpoint, Some(4));
            let mut text = Vec::new();
            let all = Range::all();
            world.log.export(&mut db, all, Format::JsonLines, &mut text).await.unwrap();
            let verdict = verify_export(&text[..], &world.public).unwrap();
            assert_eq!((verdict.is_sound(), verdict.checked, verdict.expired), (true, 1, 3));
        }
    }
}

#[tokio::test]
async fn a_month_with_entries_that_nobody_exported_stays() {
    let world = World::new().await;
    let acme = world.tenant("acme", Isolation::Shared).await;
    let globex = world.tenant("globex", Isolation::Shared).await;
    let month = Month::of(world.clock.now());
    for tenant in [&acme, &globex] {
        world.write(tenant, &["1"]).await;
        world.seal(tenant, 1).await;
    }
    let mut outside = world.superuser(&acme).await;
    let error = drop_audit_month(&mut outside, Target::Shared, month, &[acme.id]).await;
    assert!(matches!(error, Err(MigrateError::Refused { .. })), "{error:?}");
    // An entry that is not sealed yet was not exported either.
    world.write(&acme, &["2"]).await;
    let both = [acme.id, globex.id];
    let error = drop_audit_month(&mut outside, Target::Shared, month, &both).await;
    assert!(matches!(error, Err(MigrateError::Refused { .. })), "{error:?}");
    assert_eq!(entries(&mut outside, &acme).await + entries(&mut outside, &globex).await, 3);
    let never = Month::of(chrono::DateTime::UNIX_EPOCH);
    assert!(!drop_audit_month(&mut outside, Target::Shared, never, &both).await.unwrap());
}

#[tokio::test]
async fn a_month_that_was_dropped_without_a_signature_is_missed() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Schema).await;
    world.write(&tenant, &["1"]).await;
    world.seal(&tenant, 1).await;
    let mut db = world.open(&tenant);
    world.log.checkpoint_now(&mut db).await.unwrap();
    let month = Month::of(world.clock.now());
    let mut outside = world.superuser(&tenant).await;
    let target = Target::of(&tenant);
    assert!(drop_audit_month(&mut outside, target, month, &[tenant.id]).await.unwrap());
    let bad = world.log.verify(&mut db).await.unwrap().first_bad.unwrap();
    assert_eq!((bad.seq, bad.why), (1, Why::Missing));
}

#[tokio::test]
async fn only_tenants_of_one_home_expire_together() {
    let world = World::new().await;
    let tenants = [
        world.tenant("acme", Isolation::Shared).await,
        world.tenant("globex", Isolation::Schema).await,
    ];
    let dir = tempfile::tempdir().unwrap();
    let month = Month::of(world.clock.now());
    let error = world.log.expire(&tenants, month, dir.path()).await.unwrap_err();
    assert!(matches!(error, AuditError::ManyHomes), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
