//! A database of its own with tenants in it, reached the way an application reaches it.

#![expect(clippy::disallowed_types, reason = "tests look at the database from outside, too")]

use std::{net::SocketAddr, sync::Arc};

use saas_core::{Actor, Clock, RequestId, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, ServerId, TenantStore,
    db::{DatabaseKey, DatabaseOptions, ServerAddress, TenantDatabases, TenantDb},
    migrate::{self, Migrations, Target},
    placement::physical_name,
    provision::{APP_ROLE, AppPassword, bootstrap},
    store::MemoryTenantStore,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

use crate::{pgbouncer::PgBouncer, proxy::CountingProxy, server::Server};

/// The tenant plane of these tests, written as an application writes it.
pub const NOTES: Migrations = Migrations::new(&[(
    "0001_notes",
    "create table notes (id uuid primary key default gen_random_uuid(), body text not null);",
)]);

/// The key from which the test roles' passwords are made. All tests share the cluster's roles.
const KEY: [u8; 32] = [7; 32];

/// A migrated database that the others are copied from.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Tenants in a database of their own on the server of this process.
#[derive(Debug)]
pub struct World {
    /// The databases of the tenants, as an application holds them.
    pub databases: TenantDatabases,
    /// The tenants.
    pub store: Arc<dyn TenantStore>,
    /// Where the time comes from.
    pub clock: Clock,
    server: &'static Server,
    database: String,
    _pooler: Option<PgBouncer>,
}

impl World {
    /// A world with default options.
    pub async fn new() -> Self {
        Self::with_options(DatabaseOptions::new()).await
    }

    /// A world whose connections are used like this.
    pub async fn with_options(options: DatabaseOptions) -> Self {
        let (server, database) = new_database().await;
        let app = address(server, &database, None);
        Self::reached_by(server, database, &app, &options, None).await
    }

    /// A world behind a proxy that counts round trips.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn behind_proxy(options: DatabaseOptions) -> (Self, CountingProxy) {
        let (server, database) = new_database().await;
        let to = server.superuser(&database);
        let to = SocketAddr::from(([127, 0, 0, 1], to.get_port()));
        let proxy = CountingProxy::start(to).await.expect("a free port");
        let app = address(server, &database, Some(proxy.address().port()));
        (Self::reached_by(server, database, &app, &options, None).await, proxy)
    }

    /// A world behind PgBouncer in transaction mode, with so many connections to the server.
    ///
    /// # Panics
    /// When PgBouncer is not installed.
    pub async fn behind_pooler(options: DatabaseOptions, server_connections: u16) -> Self {
        let (server, database) = new_database().await;
        let app = address(server, &database, None);
        let pooler = PgBouncer::before(&app)
            .and_then(|pooler| pooler.with_pool_size(server_connections).start())
            .unwrap_or_else(|error| panic!("{error}"));
        let behind = pooler.url(&app).expect("the pooler's address");
        Self::reached_by(server, database, &behind, &options, Some(pooler)).await
    }

    async fn reached_by(
        server: &'static Server,
        database: String,
        app: &SecretString,
        options: &DatabaseOptions,
        pooler: Option<PgBouncer>,
    ) -> Self {
        let clock = Clock::system();
        let store = MemoryTenantStore::new(clock.clone());
        let id = store.servers().await.expect("memory does not fail")[0].id;
        let databases = TenantDatabases::new(options, server_address(id, app), [], clock.clone());
        Self { databases, store: Arc::new(store), clock, server, database, _pooler: pooler }
    }

    /// A new tenant with a home of its own.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn tenant(&self, slug: &str, isolation: Isolation) -> ResolvedTenant {
        let id = TenantId::generate(&self.clock);
        let slug = slug.parse().unwrap_or_else(|error| panic!("{slug}: {error}"));
        let new = NewTenant::new(id, slug, "a tenant", isolation);
        self.store.insert(new).await.expect("the slug is free");
        self.make_home(id, isolation).await;
        self.store.mark_ready(id).await.expect("the tenant was stored");
        ResolvedTenant::by_id(&*self.store, id).await.expect("the tenant was stored")
    }

    async fn make_home(&self, id: TenantId, isolation: Isolation) {
        let name = physical_name(id);
        let (database, target) = match isolation {
            Isolation::Shared => return,
            Isolation::Schema => {
                let sql = format!("create role {name} nologin; grant {name} to saas_app");
                self.as_superuser(&sql).await;
                (&self.database, Target::Schema(id))
            }
            Isolation::Database => {
                let password = DatabaseKey::new(KEY).password(&name);
                let sql =
                    format!("create role {name} login password '{}'", password.expose_secret());
                self.as_superuser(&sql).await;
                self.as_superuser(&format!("create database {name}")).await;
                self.server
                    .run(&name, "create schema saas_ext; create extension pg_trgm schema saas_ext")
                    .await;
                (&name, Target::Database(id))
            }
        };
        let mut conn = self.server.connect(database).await;
        migrate::tenant_plane(&mut conn, target, &NOTES).await.expect("the migrations are valid");
        drop(conn.close().await);
    }

    /// A handle on a tenant's database, as a request gets one.
    #[must_use]
    pub fn db(&self, tenant: &ResolvedTenant) -> TenantDb {
        self.databases.scoped(tenant, Actor::Anonymous, RequestId::generate(&self.clock))
    }

    /// Adds so many notes.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn write_notes(&self, db: &mut TenantDb, count: usize) {
        let mut tx = db.begin().await.unwrap_or_else(|error| panic!("{error:?}"));
        for n in 0..count {
            let insert = sqlx::query("insert into notes (body) values ($1)").bind(format!("{n}"));
            insert.execute(&mut tx).await.unwrap_or_else(|error| panic!("{error}"));
        }
        tx.commit().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// The role of a tenant with a schema or a database of its own.
    #[must_use]
    pub fn role_of(&self, tenant: &ResolvedTenant) -> String {
        physical_name(tenant.id)
    }

    /// Runs statements as the superuser, past all walls.
    pub async fn as_superuser(&self, sql: &str) {
        self.server.run(&self.database, sql).await;
    }

    /// How the application's login connects, for harnesses that do without the crate.
    #[must_use]
    pub fn app_options(&self) -> PgConnectOptions {
        let password = DatabaseKey::new(KEY).password(APP_ROLE);
        self.server.superuser(&self.database).username(APP_ROLE).password(password.expose_secret())
    }

    /// Ends every connection of the application to the world's database.
    pub async fn kill_backends(&self) {
        self.as_superuser(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await;
    }

    /// How many connections of this world's tenants the server holds open.
    ///
    /// # Panics
    /// When the server cannot be asked.
    pub async fn open_connections(&self, tenants: &[ResolvedTenant]) -> i64 {
        let mut names: Vec<String> = tenants.iter().map(|tenant| self.role_of(tenant)).collect();
        names.push(self.database.clone());
        let mut conn = self.server.connect("postgres").await;
        let sql = "select count(*) from pg_stat_activity where datname = any($1)";
        let open = sqlx::query_scalar(sql).bind(names).fetch_one(&mut conn).await;
        drop(conn.close().await);
        open.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A copy of the template on the server of this process.
async fn new_database() -> (&'static Server, String) {
    let server = Server::get().await;
    let template = TEMPLATE.get_or_init(|| make_template(server)).await;
    (server, server.clone_of(template).await)
}

async fn make_template(server: &'static Server) -> String {
    let name = server.new_name("template");
    server.run("postgres", &format!("create database {name}")).await;
    let mut conn = server.connect(&name).await;
    let key = DatabaseKey::new(KEY);
    bootstrap(&mut conn, AppPassword::Derived(&key)).await.expect("a superuser may do all of it");
    migrate::tenant_plane(&mut conn, Target::Shared, &NOTES)
        .await
        .expect("the migrations are valid");
    drop(conn.close().await);
    name
}

/// The application's address of `database`, by way of another port if there is a proxy.
fn address(server: &Server, database: &str, port: Option<u16>) -> SecretString {
    let port = port.unwrap_or_else(|| server.superuser(database).get_port());
    let password = DatabaseKey::new(KEY).password(APP_ROLE);
    let password = password.expose_secret();
    // The counting proxy reads messages, so they must not be encrypted.
    format!("postgres://{APP_ROLE}:{password}@127.0.0.1:{port}/{database}?sslmode=disable").into()
}

fn server_address(id: ServerId, app: &SecretString) -> ServerAddress {
    ServerAddress::new(id, app).expect("a valid address").with_key(DatabaseKey::new(KEY))
}
