//! Tenants get their homes, also after a crash, and leave nothing behind.

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use saas_core::{Actor, Clock, RequestId, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, Slug, Status, TenancyError, Tenant, TenantStore,
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    migrate::{self, Migrations},
    placement::physical_name,
    provision::{ProvisionError, Provisioner, Step},
    store::{MemoryTenantStore, TenantChange},
};
use sqlx::ConnectOptions;

use super::server::{Db, count, key, run, texts};

const NOTES: Migrations = Migrations::new(&[(
    "1_notes",
    "create table notes (id uuid primary key, next uuid references notes (id), text text not null);
     create table tags (id uuid primary key, note uuid not null references notes (id) on delete restrict)",
)]);
const WRONG: Migrations = Migrations::new(&[("1_notes", "create table notes (id nonsense)")]);

/// A control plane with its journal, and what provisions on it.
pub(crate) struct Fleet {
    pub(crate) db: Db,
    clock: Clock,
    store: Arc<MemoryTenantStore>,
    address: ServerAddress,
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        const JOURNAL: Migrations = Migrations::new(&[(
            "1_journal",
            "create table saas_tenancy.provisioning (
                 tenant_id uuid not null, step text not null, done_at timestamptz not null default now(),
                 primary key (tenant_id, step))",
        )]);
        let db = Db::new().await;
        migrate::control_plane(&mut db.connect().await, "saas_tenancy", &JOURNAL).await.unwrap();
        let (clock, _) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap());
        let store = Arc::new(MemoryTenantStore::new(clock.clone()));
        let server = store.servers().await.unwrap()[0].id;
        let address =
            app_address(&db, server).with_admin(&db.url.as_str().into()).unwrap().with_key(key());
        Self { db, clock, store, address }
    }

    pub(crate) fn provisioner(&self, migrations: Migrations) -> Provisioner {
        Provisioner::new(self.store.clone(), self.address.clone(), migrations)
    }

    pub(crate) fn wanted(slug: &str, isolation: Isolation) -> NewTenant {
        // The server outlives a test, and the ids of a clock that stands still repeat.
        let id = TenantId::from_uuid(uuid::Uuid::new_v4());
        NewTenant::new(id, slug.parse().unwrap(), slug, isolation)
    }

    fn databases(&self) -> TenantDatabases {
        let options = DatabaseOptions::new();
        TenantDatabases::new(&options, self.address.clone(), [], self.clock.clone())
    }

    /// Writes a note as the tenant and gives back all that it sees.
    async fn write(&self, databases: &TenantDatabases, slug: &Slug, text: &str) -> Vec<String> {
        let tenant = ResolvedTenant::by_slug(&*self.store, slug).await.unwrap();
        let request = RequestId::generate(&self.clock);
        let mut db = databases.scoped(&tenant, Actor::Anonymous, request);
        let mut tx = db.begin().await.unwrap();
        sqlx::query("insert into notes (id, text) values (gen_random_uuid(), $1)")
            .bind(text)
            .execute(&mut tx)
            .await
            .unwrap();
        let sql = "select text from notes order by text";
        let seen = sqlx::query_scalar(sql).fetch_all(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        seen
    }

    /// Everything on the server that belongs to the tenant.
    async fn traces(&self, id: TenantId) -> Vec<String> {
        let name = physical_name(id);
        let sql = format!(
            "select 'role' from pg_roles where rolname = '{name}'
             union all select 'schema' from pg_namespace where nspname = '{name}'
             union all select 'database' from pg_database where datname = '{name}'
             union all select 'journal' from saas_tenancy.provisioning where tenant_id = '{id}'"
        );
        let mut traces = texts(&mut self.db.connect().await, &sql).await;
        if self.store.by_id(id).await.unwrap().is_some() {
            traces.push("row".to_owned());
        }
        traces
    }

    /// The tenant works and nothing is left to do.
    async fn assert_ready(&self, tenant: &NewTenant) {
        let found = self.store.by_slug(&tenant.slug).await.unwrap().unwrap();
        assert_eq!(found.id, tenant.id);
        assert!(!self.traces(tenant.id).await.contains(&"journal".to_owned()));
        assert_eq!(self.write(&self.databases(), &tenant.slug, "works").await, ["works"]);
    }
}

fn app_address(db: &Db, server: saas_tenancy::ServerId) -> ServerAddress {
    let mut url = db.url.clone();
    url.set_username("saas_app").unwrap();
    let password = key().password("saas_app");
    url.set_password(Some(secrecy::ExposeSecret::expose_secret(&password))).unwrap();
    ServerAddress::new(server, &url.as_str().into()).unwrap()
}

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
async fn the_same_tenant_can_be_made_by_two_processes_at_once() {
    let fleet = Fleet::new().await;
    let wanted = Fleet::wanted("acme", Isolation::Database);
    let (one, two) = (fleet.provisioner(NOTES), fleet.provisioner(NOTES));
    let (a, b) = tokio::join!(one.provision(wanted.clone()), two.provision(wanted.clone()));
    assert_eq!(a.unwrap().id, b.unwrap().id);
    fleet.assert_ready(&wanted).await;
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

#[tokio::test]
async fn a_tenants_login_reaches_its_own_database_only() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let mut names = Vec::new();
    for slug in ["initech", "iota"] {
        let tenant = provisioner.provision(Fleet::wanted(slug, Isolation::Database)).await.unwrap();
        names.push(physical_name(tenant.id));
    }
    let login = |role: &str, database: &str| {
        let password = key().password(role);
        let options = fleet.db.admin.clone().username(role).database(database);
        let options = options.password(secrecy::ExposeSecret::expose_secret(&password));
        async move { options.connect().await.map(|_| ()).map_err(|e| super::server::code(&e)) }
    };
    let common = fleet.db.admin.get_database().unwrap();
    let denied = Err("42501".to_owned());
    assert_eq!(login(&names[0], &names[0]).await, Ok(()));
    assert_eq!(login(&names[0], &names[1]).await, denied);
    assert_eq!(login(&names[0], common).await, denied);
    assert_eq!(login("saas_app", &names[0]).await, denied);
    assert_eq!(login("saas_app", common).await, Ok(()));
}

#[tokio::test]
async fn a_schemas_role_reaches_its_own_schema_only() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let mut names = Vec::new();
    for (slug, isolation) in
        [("globex", Isolation::Schema), ("gamma", Isolation::Schema), ("acme", Isolation::Shared)]
    {
        let tenant = provisioner.provision(Fleet::wanted(slug, isolation)).await.unwrap();
        names.push(physical_name(tenant.id));
    }
    let mut app = fleet.db.connect_app().await;
    let own = format!("begin; set local role {0}; select from {0}.notes; rollback", names[0]);
    run(&mut app, &own).await;
    for foreign in [names[1].as_str(), "app"] {
        let sql = format!("begin; set local role {}; select from {foreign}.notes", names[0]);
        let error = super::server::try_run(&mut app, &sql).await.unwrap_err();
        assert_eq!(super::server::code(&error), "42501");
        run(&mut app, "rollback").await;
    }
}
