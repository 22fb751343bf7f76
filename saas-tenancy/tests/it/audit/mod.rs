//! The audit log on a real server, in every isolation.

#![expect(clippy::disallowed_types, reason = "the tests look at the database from outside")]

mod attack;
mod export;
mod list;
mod retention;
mod rights;
mod seal;
mod sink;
mod together;

use std::{sync::Arc, time::Duration};

use saas_core::{
    Actor, AuditEntry, Clock, RequestId, Scope, TenantId,
    audit::{Action, Target},
};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, TenantStore,
    audit::{
        self, AuditLog, CheckpointKey, PublicKey, Sealed,
        checkpoint::{CheckpointStore, MemoryCheckpoints},
    },
    db::{DatabaseOptions, ServerAddress, TenantDatabases, TenantDb},
    migrate::{self, Migrations},
    placement::physical_name,
    provision::Provisioner,
    store::{DEFAULT_SERVER, PostgresTenantStore, postgres::MIGRATIONS},
};
use secrecy::ExposeSecret;
use sqlx::PgConnection;

use crate::database::server::{Db, connect, count, key, run, texts};

const NOTES: Migrations =
    Migrations::new(&[("1_notes", "create table notes (id uuid primary key, text text not null)")]);

const WRITTEN: Action = Action::literal("note.write");

/// A control plane, tenants in it, and their logs.
struct World {
    db: Db,
    clock: Clock,
    store: Arc<dyn TenantStore>,
    databases: TenantDatabases,
    provisioner: Provisioner,
    log: AuditLog,
    public: PublicKey,
}

impl World {
    async fn new() -> Self {
        let db = Db::new().await;
        let control = Migrations::new(MIGRATIONS);
        migrate::control_plane(&mut db.connect().await, "saas_tenancy", &control).await.unwrap();
        let clock = Clock::system();
        let mut url = db.url.clone();
        url.set_username("saas_app").unwrap();
        url.set_password(Some(key().password("saas_app").expose_secret())).unwrap();
        let address = ServerAddress::new(DEFAULT_SERVER, &url.as_str().into()).unwrap();
        let address = address.with_admin(&db.url.as_str().into()).unwrap().with_key(key());
        let options = DatabaseOptions::new();
        let databases = TenantDatabases::new(&options, address.clone(), [], clock.clone());
        let store: Arc<dyn TenantStore> =
            Arc::new(PostgresTenantStore::new(databases.clone(), clock.clone()));
        let provisioner =
            Provisioner::new(Arc::clone(&store), address, NOTES).with_databases(databases.clone());
        let signer = CheckpointKey::generate().unwrap();
        let public = signer.public();
        let kept: Arc<dyn CheckpointStore> = Arc::new(MemoryCheckpoints::new());
        let log = AuditLog::new(databases.clone(), Arc::clone(&store), clock.clone())
            .with_checkpoints(signer, kept);
        Self { db, clock, store, databases, provisioner, log, public }
    }

    async fn tenant(&self, slug: &str, isolation: Isolation) -> ResolvedTenant {
        let id = TenantId::from_uuid(uuid::Uuid::new_v4());
        let new = NewTenant::new(id, slug.parse().unwrap(), slug, isolation);
        let made = self.provisioner.provision(new).await.unwrap_or_else(|e| panic!("{e:?}"));
        ResolvedTenant::by_slug(&*self.store, &made.slug).await.unwrap()
    }

    /// A tenant's database, as a request gets it.
    fn open(&self, tenant: &ResolvedTenant) -> TenantDb {
        self.databases.scoped(tenant, Actor::Anonymous, RequestId::generate(&self.clock))
    }

    fn entry(&self, scope: &Scope, id: &str) -> AuditEntry {
        AuditEntry::new(scope, WRITTEN, Target::new("note", id), &self.clock)
    }

    /// Commits an entry each for these things.
    async fn write(&self, tenant: &ResolvedTenant, ids: &[&str]) {
        let mut db = self.open(tenant);
        for id in ids {
            let mut tx = db.begin().await.unwrap();
            let entry = self.entry(tx.scope(), id);
            audit::append(&mut tx, &entry).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// Seals until the chain has so many entries. Transactions of other tests on the same server
    /// hold up sealing, as they should, so it is tried until they are over.
    async fn seal(&self, tenant: &ResolvedTenant, until: i64) -> Sealed {
        let mut db = self.open(tenant);
        for _ in 0..2_000 {
            let sealed = self.log.seal_now(&mut db).await.unwrap();
            if sealed.last == until {
                return sealed;
            }
            assert!(sealed.last < until, "{sealed:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the entries are never sealed");
    }

    /// A superuser in the database of the tenant, with its schema alone on the path.
    async fn superuser(&self, tenant: &ResolvedTenant) -> PgConnection {
        let name = physical_name(tenant.id);
        let (options, schema) = match tenant.placement.isolation {
            Isolation::Shared => (self.db.admin.clone(), "app"),
            Isolation::Schema => (self.db.admin.clone(), name.as_str()),
            Isolation::Database => (self.db.admin.clone().database(&name), "app"),
        };
        let mut conn = connect(&options).await;
        run(&mut conn, &format!("set search_path = {schema}")).await;
        conn
    }

    /// The application in a transaction of the tenant, without the crate between it and the server.
    async fn bare(&self, tenant: &ResolvedTenant) -> PgConnection {
        let name = physical_name(tenant.id);
        let (mut conn, role, schema) = match tenant.placement.isolation {
            Isolation::Shared => (self.db.connect_app().await, "saas_shared", "app"),
            Isolation::Schema => (self.db.connect_app().await, name.as_str(), name.as_str()),
            Isolation::Database => {
                let options = self.db.admin.clone().database(&name).username(&name);
                let password = key().password(&name);
                let conn = connect(&options.password(password.expose_secret())).await;
                (conn, name.as_str(), "app")
            }
        };
        let sql = format!(
            "begin; set local role {role}; set local search_path = {schema};
             set local app.tenant_id = '{}'",
            tenant.id
        );
        run(&mut conn, &sql).await;
        conn
    }
}

/// The entries of a tenant by their targets, in the order of their numbers.
async fn chained(conn: &mut PgConnection, tenant: &ResolvedTenant) -> Vec<String> {
    let sql = format!(
        "select e.target_id from saas_audit_seals s
         join saas_audit e on e.tenant_id = s.tenant_id and e.id = s.entry_id
         where s.tenant_id = '{}' order by s.seq",
        tenant.id
    );
    texts(conn, &sql).await
}

/// How many entries a tenant has.
async fn entries(conn: &mut PgConnection, tenant: &ResolvedTenant) -> i64 {
    let sql = format!("select count(*) from saas_audit where tenant_id = '{}'", tenant.id);
    count(conn, &sql).await
}
