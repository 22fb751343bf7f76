//! A crash at any point is resumed, and two processes do not meet.

use std::sync::Arc;

use saas_tenancy::{
    Isolation, Status, Tenant, TenantStore,
    placement::physical_name,
    provision::{ProvisionError, Step},
    store::TenantChange,
};

use super::{Fleet, NOTES, WRONG};
use crate::database::server::run;

#[tokio::test]
async fn a_crash_after_any_step_is_resumed_by_the_same_call() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    for isolation in Isolation::ALL {
        for count in 0..=Step::of(isolation).len() {
            let wanted = Fleet::wanted(&format!("{isolation}-{count}"), isolation);
            provisioner.provision_partly(wanted.clone(), count).await.unwrap();
            assert_eq!(
                fleet.store.by_slug(&wanted.slug).await.unwrap().is_some(),
                count == Step::of(isolation).len(),
                "a tenant that is not finished does not resolve",
            );
            provisioner.provision(wanted.clone()).await.unwrap();
            provisioner.resume_all().await.unwrap();
            fleet.assert_ready(&wanted).await;
        }
    }
}

#[tokio::test]
async fn a_crash_before_a_step_is_noted_is_resumed_at_the_start() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let mut wanted = Vec::new();
    for isolation in Isolation::ALL {
        for (at, step) in Step::of(isolation).iter().enumerate() {
            let tenant = Fleet::wanted(&format!("{isolation}-{at}"), isolation);
            provisioner.provision_partly(tenant.clone(), at + 1).await.unwrap();
            let sql = format!(
                "delete from saas_tenancy.provisioning where tenant_id = '{}' and step = '{step}'",
                tenant.id
            );
            run(&mut fleet.db.connect().await, &sql).await;
            wanted.push(tenant);
        }
    }
    let nothing_made = Fleet::wanted("nothing", Isolation::Schema);
    provisioner.provision_partly(nothing_made.clone(), 0).await.unwrap();
    let resumed = provisioner.resume_all().await.unwrap();
    assert!(resumed.failed.is_empty(), "{:?}", resumed.failed);
    assert_eq!((resumed.ready.len(), resumed.removed), (wanted.len(), vec![nothing_made.id]));
    for tenant in wanted {
        fleet.assert_ready(&tenant).await;
    }
    assert!(provisioner.resume_all().await.unwrap().ready.is_empty());
}

#[tokio::test]
async fn an_interrupted_removal_is_finished_at_the_start() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let wanted = Fleet::wanted("acme", Isolation::Database);
    let made: Arc<Tenant> = provisioner.provision(wanted).await.unwrap();
    let change = TenantChange { status: Some(Status::Deleting), ..TenantChange::default() };
    fleet.store.update(made.id, change, None).await.unwrap();
    let sql = format!(
        "insert into saas_tenancy.provisioning (tenant_id, step) values ('{}', 'begin')",
        made.id
    );
    run(&mut fleet.db.connect().await, &sql).await;
    assert_eq!(provisioner.resume_all().await.unwrap().removed, [made.id]);
    assert_eq!(fleet.traces(made.id).await, [""; 0]);
}

#[tokio::test]
async fn the_same_tenant_can_be_made_by_two_processes_at_once() {
    let fleet = Fleet::new().await;
    let wanted = Fleet::wanted("acme", Isolation::Database);
    let (one, two) = (fleet.provisioner(NOTES), fleet.provisioner(NOTES));
    let (a, b) = tokio::join!(one.provision(wanted.clone()), two.provision(wanted.clone()));
    assert_eq!(a.unwrap().id, b.unwrap().id);
    fleet.assert_ready(&wanted).await;
}

#[tokio::test]
async fn a_failed_tenant_that_cannot_be_removed_is_made_anew_later() {
    let fleet = Fleet::new().await;
    let wanted = Fleet::wanted("initech", Isolation::Database);
    fleet.provisioner(NOTES).provision_partly(wanted.clone(), 2).await.unwrap();
    // Something that refers to the role keeps it from being dropped; its database is gone by then.
    let role = physical_name(wanted.id);
    let mut admin = fleet.db.connect().await;
    run(&mut admin, &format!("create table kept (); grant select on kept to {role}")).await;
    let error = fleet.provisioner(WRONG).provision(wanted.clone()).await.unwrap_err();
    assert!(matches!(error, ProvisionError::Interrupted { step: Step::Migrate, .. }), "{error:?}");
    let resumed = fleet.provisioner(NOTES).resume_all().await.unwrap();
    assert_eq!(resumed.ready, [wanted.id], "{:?}", resumed.failed);
    fleet.assert_ready(&wanted).await;
}
