//! A change and its entry: both or neither, in either plane.

use saas_core::{Actor, RequestId, Scope};
use saas_tenancy::{
    Isolation,
    audit::{self, AuditError, Filter},
};

use super::{World, entries};
use crate::database::server::{count, run};

const NOTE: &str = "insert into notes (id, text) values (gen_random_uuid(), 'x')";

#[tokio::test]
async fn an_entry_and_its_change_are_committed_together_or_not_at_all() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut outside = world.superuser(&tenant).await;
        let mut db = world.open(&tenant);
        for (is_committed, left) in [(false, 0), (true, 1)] {
            let mut tx = db.begin().await.unwrap();
            sqlx::query(NOTE).execute(&mut tx).await.unwrap();
            let entry = world.entry(tx.scope(), "1");
            audit::append(&mut tx, &entry).await.unwrap();
            if is_committed {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_eq!(count(&mut outside, "select count(*) from notes").await, left);
            assert_eq!(entries(&mut outside, &tenant).await, left, "{isolation}");
        }
    }
}

#[tokio::test]
async fn an_entry_of_another_scope_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let other = world.tenant("globex", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let own = db.scope().clone();
    let mut tx = db.begin().await.unwrap();
    let foreign = [
        Scope::new(other.id, own.actor().clone(), own.request()),
        own.clone().acting_as(Actor::system("somebody else")),
        Scope::new(own.tenant(), own.actor().clone(), RequestId::generate(&world.clock)),
    ];
    for scope in foreign {
        let error = audit::append(&mut tx, &world.entry(&scope, "1")).await.unwrap_err();
        assert!(matches!(error, AuditError::Foreign), "{error}");
    }
    audit::append(&mut tx, &world.entry(&own, "1")).await.unwrap();
}

#[tokio::test]
async fn what_was_refused_is_kept_without_anything_else() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut db = world.open(&tenant);
        let mut tx = db.begin().await.unwrap();
        sqlx::query(NOTE).execute(&mut tx).await.unwrap();
        let entry = world.entry(tx.scope(), "1").refused("no right");
        world.log.refused(&tenant, &entry).await.unwrap();
        drop(tx);
        let mut outside = world.superuser(&tenant).await;
        assert_eq!(count(&mut outside, "select count(*) from notes").await, 0);
        let page = world.log.list(&mut db, &Filter::new(), None, 10).await.unwrap();
        assert_eq!(page.entries, [entry]);
    }
}

#[tokio::test]
async fn an_entry_of_the_control_plane_is_relayed_once_and_read_at_once() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut db = world.open(&tenant);
        let entry = world.entry(db.scope(), "role");
        for is_committed in [false, true] {
            let mut tx = world
                .databases
                .system(&Actor::system("test"), entry.request, "change a role")
                .await
                .unwrap();
            audit::append_pending(&mut tx, &entry).await.unwrap();
            if is_committed {
                tx.commit().await.unwrap();
            }
        }
        let page = world.log.list(&mut db, &Filter::new(), None, 10).await.unwrap();
        assert_eq!(page.entries, std::slice::from_ref(&entry));
        let mut control = world.db.connect().await;
        let pending = "select count(*) from saas_tenancy.audit_pending";
        assert_eq!(count(&mut control, pending).await, 0);
        // A crash between the two databases leaves the entry on both sides.
        let again = format!(
            "insert into saas_tenancy.audit_pending values ('{}', '{}', '{}')",
            tenant.id,
            entry.id,
            serde_json::to_string(&entry).unwrap()
        );
        run(&mut control, &again).await;
        world.log.relay(&mut db).await.unwrap();
        assert_eq!(count(&mut control, pending).await, 0);
        assert_eq!(entries(&mut world.superuser(&tenant).await, &tenant).await, 1, "{isolation}");
    }
}

#[tokio::test]
async fn a_home_that_fails_keeps_the_entries_waiting() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Schema).await;
    let mut db = world.open(&tenant);
    let entry = world.entry(db.scope(), "role");
    let mut tx =
        world.databases.system(&Actor::system("test"), entry.request, "test").await.unwrap();
    audit::append_pending(&mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    let mut outside = world.superuser(&tenant).await;
    run(&mut outside, "alter table saas_audit rename to gone").await;
    assert!(world.log.relay(&mut db).await.is_err());
    run(&mut outside, "alter table gone rename to saas_audit").await;
    world.log.relay(&mut db).await.unwrap();
    assert_eq!(entries(&mut outside, &tenant).await, 1);
}
