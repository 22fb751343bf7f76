//! Tenants are made, refused and removed.

use saas_tenancy::{
    Isolation, TenancyError,
    provision::{ProvisionError, Provisioner, Step},
};

use super::{Fleet, NOTES, WRONG, app_address};
use crate::database::server::{count, key, run};

#[tokio::test]
async fn every_isolation_serves_the_same_statements_and_sees_only_its_own() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let databases = fleet.databases();
    for (slug, isolation) in [
        ("acme", Isolation::Shared),
        ("apex", Isolation::Shared),
        ("globex", Isolation::Schema),
        ("gamma", Isolation::Schema),
        ("initech", Isolation::Database),
        ("iota", Isolation::Database),
    ] {
        let wanted = Fleet::wanted(slug, isolation);
        let made = provisioner.provision(wanted.clone()).await.unwrap();
        assert_eq!((made.id, made.placement.isolation), (wanted.id, isolation));
        assert_eq!(fleet.write(&databases, &wanted.slug, slug).await, [slug]);
        assert_eq!(provisioner.provision(wanted).await.unwrap().id, made.id, "again");
    }
}

#[tokio::test]
async fn a_failed_tenant_leaves_nothing_and_its_slug_is_free() {
    let fleet = Fleet::new().await;
    for isolation in Isolation::ALL {
        let wanted = Fleet::wanted(isolation.as_str(), isolation);
        let error = fleet.provisioner(WRONG).provision(wanted.clone()).await.unwrap_err();
        assert!(matches!(error, ProvisionError::Failed { step: Step::Migrate, .. }), "{error:?}");
        assert_eq!(fleet.traces(wanted.id).await, [""; 0]);
        let other = Fleet::wanted(isolation.as_str(), isolation);
        fleet.provisioner(NOTES).provision(other.clone()).await.unwrap();
        run(&mut fleet.db.connect().await, "drop schema if exists app cascade").await;
    }
}

#[tokio::test]
async fn a_taken_slug_is_refused_and_leaves_the_owner_alone() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let first = Fleet::wanted("acme", Isolation::Schema);
    provisioner.provision(first.clone()).await.unwrap();
    let second = Fleet::wanted("acme", Isolation::Schema);
    let error = provisioner.provision(second.clone()).await.unwrap_err();
    assert!(matches!(error, ProvisionError::Store(TenancyError::SlugTaken)), "{error:?}");
    assert_eq!(fleet.traces(second.id).await, [""; 0]);
    fleet.assert_ready(&first).await;
}

#[tokio::test]
async fn a_removed_tenant_leaves_nothing_and_the_others_everything() {
    let fleet = Fleet::new().await;
    let databases = fleet.databases();
    let provisioner = fleet.provisioner(NOTES).with_databases(databases.clone());
    for isolation in Isolation::ALL {
        let gone = Fleet::wanted(&format!("gone-{isolation}"), isolation);
        let kept = Fleet::wanted(&format!("kept-{isolation}"), isolation);
        for tenant in [&gone, &kept] {
            provisioner.provision(tenant.clone()).await.unwrap();
            fleet.write(&databases, &tenant.slug, "mine").await;
        }
        provisioner.deprovision(gone.id).await.unwrap();
        provisioner.deprovision(gone.id).await.unwrap();
        assert_eq!(fleet.traces(gone.id).await, [""; 0], "{isolation}");
        assert_eq!(fleet.write(&databases, &kept.slug, "more").await, ["mine", "more"]);
    }
    let rows = "select count(distinct tenant_id) from app.notes";
    assert_eq!(count(&mut fleet.db.connect().await, rows).await, 1);
}

#[tokio::test]
async fn rows_that_refer_to_each_other_in_circles_are_removed_too() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let tenant = Fleet::wanted("acme", Isolation::Shared);
    provisioner.provision(tenant.clone()).await.unwrap();
    let (a, b) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let sql = format!(
        "set app.tenant_id = '{}';
         insert into app.notes values ('{a}', null, 'a'), ('{b}', '{a}', 'b');
         update app.notes set next = '{b}' where id = '{a}';
         insert into app.tags values (gen_random_uuid(), '{a}')",
        tenant.id
    );
    let mut conn = fleet.db.connect().await;
    run(&mut conn, &sql).await;
    provisioner.deprovision(tenant.id).await.unwrap();
    let left = "select (select count(*) from app.notes) + (select count(*) from app.tags)";
    assert_eq!(count(&mut conn, left).await, 0);
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_made() {
    let fleet = Fleet::new().await;
    let server = fleet.address.id();
    let without_admin = app_address(&fleet.db, server).with_key(key());
    let without_key =
        app_address(&fleet.db, server).with_admin(&fleet.db.url.as_str().into()).unwrap();
    for (address, wanted) in
        [(without_admin, "ADMIN_DATABASE_URL"), (without_key, "SAAS_SECRET_KEY")]
    {
        let provisioner = Provisioner::new(fleet.store.clone(), address, NOTES);
        let tenant = Fleet::wanted("acme", Isolation::Database);
        let error = provisioner.provision(tenant.clone()).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(matches!(TenancyError::from(error), TenancyError::Unprovisionable { .. }));
        assert_eq!(fleet.traces(tenant.id).await, [""; 0]);
    }
}
