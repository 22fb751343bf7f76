//! Who may do what to the log: added to and read by its tenant, and nothing else by anybody.

use saas_core::{Actor, RequestId};
use saas_tenancy::{
    Isolation,
    check::{self, Severity},
    migrate::{self, Target},
    placement::physical_name,
};
use secrecy::ExposeSecret;

use super::{NOTES, World, entries};
use crate::database::server::{code, connect, key, run, texts, try_run};

#[tokio::test]
async fn the_application_can_only_add_to_the_log_and_read_it() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        world.write(&tenant, &["1"]).await;
        world.seal(&tenant, 1).await;
        let mut outside = world.superuser(&tenant).await;
        let parts = "select inhrelid::regclass::text from pg_inherits
            where inhparent = 'saas_audit'::regclass";
        let mut refused = vec![
            "update saas_audit set action = 'a.b'".to_owned(),
            "delete from saas_audit".to_owned(),
            "truncate saas_audit".to_owned(),
            "truncate saas_audit_seals".to_owned(),
            "delete from saas_audit_seals".to_owned(),
            "update saas_audit_seals set seq = 9".to_owned(),
            "insert into saas_audit_seals (seq, entry_id, occurred_at, sealed_at, prev, hash)
             values (2, gen_random_uuid(), now(), now(), '', '')"
                .to_owned(),
            "alter table saas_audit disable trigger all".to_owned(),
            "set local session_replication_role = replica".to_owned(),
            "insert into saas_audit select gen_random_uuid(), id, occurred_at, actor, action,
                target_kind, target_id, outcome, entry, xid from saas_audit"
                .to_owned(),
        ];
        for part in texts(&mut outside, parts).await {
            refused.push(format!("select from {part}"));
            refused.push(format!("truncate {part}"));
            refused.push(format!("insert into {part} select * from saas_audit"));
        }
        assert!(refused.len() > 20, "{isolation}: {refused:?}");
        for sql in refused {
            let mut app = world.bare(&tenant).await;
            let error = try_run(&mut app, &sql).await.expect_err(&sql);
            assert_eq!(code(&error), "42501", "{isolation}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_tenant_reads_its_own_log_only() {
    let world = World::new().await;
    let acme = world.tenant("acme", Isolation::Shared).await;
    let globex = world.tenant("globex", Isolation::Shared).await;
    for tenant in [&acme, &globex] {
        world.write(tenant, &[tenant.slug.as_str()]).await;
        world.seal(tenant, 1).await;
    }
    let mut app = world.bare(&acme).await;
    assert_eq!(texts(&mut app, "select target_id from saas_audit").await, ["acme"]);
    let seals = "select tenant_id::text from saas_audit_seals";
    assert_eq!(texts(&mut app, seals).await, [acme.id.to_string()]);
}

#[tokio::test]
async fn the_writer_does_not_choose_its_transaction() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut app = world.bare(&tenant).await;
    let sql = "insert into saas_audit
            (id, occurred_at, actor, action, target_kind, target_id, outcome, entry, xid)
         values (gen_random_uuid(), now(), 'a', 'a.b', 't', '1', 'success', '{}', '3')";
    run(&mut app, sql).await;
    let own = "select (xid = pg_current_xact_id())::text from saas_audit";
    assert_eq!(texts(&mut app, own).await, ["true"]);
}

#[tokio::test]
async fn even_an_administrator_meets_the_triggers_on_every_partition() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        world.write(&tenant, &["1"]).await;
        world.seal(&tenant, 1).await;
        let mut outside = world.superuser(&tenant).await;
        let tables = "select c.oid::regclass::text from pg_class c
            where c.oid in ('saas_audit'::regclass, 'saas_audit_seals'::regclass)
               or exists (select from pg_inherits where inhrelid = c.oid and inhparent = 'saas_audit'::regclass)";
        let tables = texts(&mut outside, tables).await;
        assert!(tables.len() >= 7, "{tables:?}");
        for role in ["origin", "replica"] {
            run(&mut outside, &format!("set session_replication_role = {role}")).await;
            for table in &tables {
                let refused = try_run(&mut outside, &format!("truncate {table}")).await;
                assert_eq!(code(&refused.unwrap_err()), "42501", "{role}: {table}");
            }
            for sql in [
                "update saas_audit set action = 'a.b'",
                "delete from saas_audit",
                "update saas_audit_seals set seq = 9",
                "delete from saas_audit_seals",
            ] {
                let error = try_run(&mut outside, sql).await.expect_err(sql);
                assert_eq!(code(&error), "42501", "{role}: {sql}");
            }
        }
        assert_eq!(entries(&mut outside, &tenant).await, 1);
    }
}

#[tokio::test]
async fn system_work_cannot_remove_entries_as_a_removal_of_the_tenant() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    world.write(&tenant, &["1"]).await;
    let request = RequestId::generate(&world.clock);
    let actor = Actor::system("test");
    let mut tx = world.databases.system(&actor, request, "remove traces").await.unwrap();
    sqlx::query("select set_config('saas.audit_removal', $1, true)")
        .bind(tenant.id.to_string())
        .execute(&mut tx)
        .await
        .unwrap();
    let error = sqlx::query("delete from app.saas_audit").execute(&mut tx).await.unwrap_err();
    assert_eq!(code(&error), "42501");
}

#[tokio::test]
async fn a_tenant_that_is_removed_takes_its_log_along_and_no_other() {
    let world = World::new().await;
    let acme = world.tenant("acme", Isolation::Shared).await;
    let globex = world.tenant("globex", Isolation::Shared).await;
    for tenant in [&acme, &globex] {
        world.write(tenant, &["1"]).await;
        world.seal(tenant, 1).await;
    }
    world.provisioner.deprovision(acme.id).await.unwrap();
    let mut outside = world.superuser(&globex).await;
    assert_eq!(entries(&mut outside, &acme).await, 0);
    assert_eq!(entries(&mut outside, &globex).await, 1);
    assert!(world.log.verify(&mut world.open(&globex)).await.unwrap().is_sound());
}

#[tokio::test]
async fn what_guards_the_log_is_checked_at_the_start_and_repaired() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut outside = world.superuser(&tenant).await;
        let name = physical_name(tenant.id);
        let mut app = match isolation {
            Isolation::Shared | Isolation::Schema => world.db.connect_app().await,
            Isolation::Database => {
                let options = world.db.admin.clone().database(&name).username(&name);
                connect(&options.password(key().password(&name).expose_secret())).await
            }
        };
        let sound = check::server(&mut app).await.unwrap();
        assert_eq!(sound.findings(), [], "{isolation}");
        let role = if isolation == Isolation::Shared { "saas_shared" } else { &name };
        for (rule, mutant) in [
            ("audit_trigger", "drop trigger saas_audit_no_change on saas_audit".to_owned()),
            ("audit_trigger", "drop trigger saas_audit_no_truncate on saas_audit".to_owned()),
            ("audit_trigger", "drop trigger saas_audit_no_truncate on saas_audit_rest".to_owned()),
            ("audit_trigger", "drop trigger saas_audit_stamp on saas_audit".to_owned()),
            ("audit_trigger", "drop trigger saas_audit_no_change on saas_audit_seals".to_owned()),
            ("audit_trigger", "alter table saas_audit disable trigger all".to_owned()),
            (
                "audit_trigger",
                "alter table saas_audit_rest enable trigger saas_audit_no_change".to_owned(),
            ),
            ("audit_right", format!("grant update (action) on saas_audit to {role}")),
            ("audit_right", format!("grant delete on saas_audit_seals to {role}")),
            ("audit_right", format!("grant insert on saas_audit_seals to {role}")),
        ] {
            run(&mut outside, &mutant).await;
            let report = check::server(&mut app).await.unwrap();
            let found = report.findings().iter().find(|finding| finding.rule == rule);
            let found = found.unwrap_or_else(|| panic!("{mutant}: {report:?}"));
            assert_eq!(found.severity, Severity::Refuse);
            for finding in report.findings() {
                run(&mut outside, &finding.fix).await;
            }
            let repaired = check::server(&mut app).await.unwrap();
            assert_eq!(repaired.findings(), [], "{isolation}: after {mutant}");
        }
    }
}

#[tokio::test]
async fn a_home_without_a_log_is_found() {
    let world = World::new().await;
    let tenant = world.tenant("globex", Isolation::Schema).await;
    run(&mut world.superuser(&tenant).await, "drop table saas_audit_seals").await;
    let report = check::server(&mut world.db.connect_app().await).await.unwrap();
    assert!(report.findings().iter().any(|one| one.rule == "audit_log"), "{report:?}");
}

#[tokio::test]
async fn a_home_from_before_there_was_a_log_gets_one_with_the_next_migrations() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut outside = world.superuser(&tenant).await;
        run(&mut outside, "drop table saas_audit, saas_audit_seals").await;
        let target = Target::of(&tenant);
        let applied = migrate::tenant_plane(&mut outside, target, &NOTES).await.unwrap();
        assert_eq!(applied, []);
        world.write(&tenant, &["1"]).await;
        world.seal(&tenant, 1).await;
    }
}

#[tokio::test]
async fn a_partition_that_is_made_later_is_guarded_like_the_others() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let mut outside = world.superuser(&tenant).await;
        let last = "select max(inhrelid::regclass::text) from pg_inherits
            where inhparent = 'saas_audit'::regclass
              and inhrelid <> 'saas_audit_rest'::regclass";
        let name = texts(&mut outside, last).await.remove(0);
        run(&mut outside, &format!("drop table {name}")).await;
        world.log.make_partitions(tenant.id).await.unwrap();
        assert_eq!(texts(&mut outside, last).await, [name.as_str()], "{isolation}");
        let error = try_run(&mut outside, &format!("truncate {name}")).await.unwrap_err();
        assert_eq!(code(&error), "42501");
        let mut app = world.bare(&tenant).await;
        let error = try_run(&mut app, &format!("select from {name}")).await.unwrap_err();
        assert_eq!(code(&error), "42501");
        run(&mut app, "rollback").await;
        assert_eq!(check::server(&mut app).await.unwrap().findings(), [], "{isolation}");
    }
}
