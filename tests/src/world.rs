//! A database of its own with tenants in it, reached the way an application reaches it.

#![expect(clippy::disallowed_types, reason = "tests look at the database from outside, too")]

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use saas_core::{Actor, Clock, RequestId, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, TenantStore,
    db::{DatabaseKey, DatabaseOptions, ServerAddress, TenantDatabases, TenantDb},
    migrate::{self, Migrations, Target},
    placement::physical_name,
    provision::{APP_ROLE, AppPassword, Provisioner, bootstrap},
    store::{PostgresTenantStore, postgres},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::Mutex;

use crate::{pgbouncer::PgBouncer, proxy::CountingProxy, server::Server};

/// A tenant plane for tests that need no more than a table, written as an application writes it.
pub const NOTES: Plane = Plane {
    name: "notes",
    migrations: Migrations::new(&[(
        "0001_notes",
        "create table notes (id uuid primary key default gen_random_uuid(), body text not null);",
    )]),
};

/// The tables of an application's tenants.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// What to call them; a template database of this name is made once a process.
    pub name: &'static str,
    /// How to make them.
    pub migrations: Migrations,
}

/// The key from which the test roles' passwords are made. All tests share the cluster's roles.
const KEY: [u8; 32] = [7; 32];

/// Migrated databases that the others are copied from, by the name of their plane.
static TEMPLATES: Mutex<Option<HashMap<&'static str, String>>> = Mutex::const_new(None);

/// Tenants in a database of their own on the server of this process.
#[derive(Debug)]
pub struct World {
    /// The databases of the tenants, as an application holds them.
    pub databases: TenantDatabases,
    /// The tenants.
    pub store: Arc<dyn TenantStore>,
    /// What makes tenants.
    pub provisioner: Provisioner,
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
        Self::of(NOTES, options).await
    }

    /// A world with the tables of `plane`.
    pub async fn of(plane: Plane, options: DatabaseOptions) -> Self {
        let (server, database) = new_database(plane).await;
        let app = address(server, &database, None);
        Self::reached_by(server, database, plane, &app, &options, None).await
    }

    /// A world behind a proxy that counts round trips.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn behind_proxy(options: DatabaseOptions) -> (Self, CountingProxy) {
        let (server, database) = new_database(NOTES).await;
        let to = server.superuser(&database);
        let to = SocketAddr::from(([127, 0, 0, 1], to.get_port()));
        let proxy = CountingProxy::start(to).await.expect("a free port");
        let app = address(server, &database, Some(proxy.address().port()));
        (Self::reached_by(server, database, NOTES, &app, &options, None).await, proxy)
    }

    /// A world behind PgBouncer in transaction mode, with so many connections to the server.
    ///
    /// # Panics
    /// When PgBouncer is not installed.
    pub async fn behind_pooler(options: DatabaseOptions, server_connections: u16) -> Self {
        let (server, database) = new_database(NOTES).await;
        let app = address(server, &database, None);
        let pooler = PgBouncer::before(&app)
            .and_then(|pooler| pooler.with_pool_size(server_connections).start())
            .unwrap_or_else(|error| panic!("{error}"));
        let behind = pooler.url(&app).expect("the pooler's address");
        Self::reached_by(server, database, NOTES, &behind, &options, Some(pooler)).await
    }

    async fn reached_by(
        server: &'static Server,
        database: String,
        plane: Plane,
        app: &SecretString,
        options: &DatabaseOptions,
        pooler: Option<PgBouncer>,
    ) -> Self {
        let clock = Clock::system();
        let mut conn = server.connect(&database).await;
        let id = default_server(&mut conn).await;
        drop(conn.close().await);
        let admin = server.superuser(&database).to_url_lossy().to_string();
        let address = ServerAddress::new(id, app)
            .and_then(|address| address.with_admin(&admin.into()))
            .expect("valid addresses")
            .with_key(DatabaseKey::new(KEY));
        let databases = TenantDatabases::new(options, address.clone(), [], clock.clone());
        let store: Arc<dyn TenantStore> =
            Arc::new(PostgresTenantStore::new(databases.clone(), clock.clone()));
        let provisioner = Provisioner::new(Arc::clone(&store), address, plane.migrations)
            .with_databases(databases.clone());
        Self { databases, store, provisioner, clock, server, database, _pooler: pooler }
    }

    /// A new tenant with a home of its own.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn tenant(&self, slug: &str, isolation: Isolation) -> ResolvedTenant {
        let id = TenantId::generate(&self.clock);
        let slug = slug.parse().unwrap_or_else(|error| panic!("{slug}: {error}"));
        let made = self.provisioner.provision(NewTenant::new(id, slug, "a tenant", isolation));
        let made = made.await.unwrap_or_else(|error| panic!("{error:?}"));
        let found = ResolvedTenant::by_slug(&*self.store, &made.slug).await;
        found.unwrap_or_else(|error| panic!("{error:?}"))
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

    /// The database that holds the control plane and the tenants without one of their own.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The server it is on.
    #[must_use]
    pub const fn server(&self) -> &'static Server {
        self.server
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

    /// How many transactions of the application wait for their next statement.
    ///
    /// # Panics
    /// When the server cannot be asked.
    pub async fn open_transactions(&self) -> i64 {
        let mut conn = self.server.connect("postgres").await;
        let sql = "select count(*) from pg_stat_activity
                   where datname = $1 and usename = 'saas_app' and state = 'idle in transaction'";
        let open = sqlx::query_scalar(sql).bind(&self.database).fetch_one(&mut conn).await;
        drop(conn.close().await);
        open.unwrap_or_else(|error| panic!("{error}"))
    }

    /// How many connections of this world's tenants the server holds open.
    ///
    /// # Panics
    /// When the server cannot be asked.
    pub async fn open_connections(&self, tenants: &[ResolvedTenant]) -> i64 {
        let mut names: Vec<String> = tenants.iter().map(|tenant| self.role_of(tenant)).collect();
        names.push(self.database.clone());
        let mut conn = self.server.connect("postgres").await;
        let sql = "select count(*) from pg_stat_activity
                   where datname = any($1) and (usename = 'saas_app' or usename like 't\\_%')";
        let open = sqlx::query_scalar(sql).bind(names).fetch_one(&mut conn).await;
        drop(conn.close().await);
        open.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A copy of the plane's template on the server of this process.
async fn new_database(plane: Plane) -> (&'static Server, String) {
    let server = Server::get().await;
    let mut templates = TEMPLATES.lock().await;
    let templates = templates.get_or_insert_default();
    if !templates.contains_key(plane.name) {
        templates.insert(plane.name, make_template(server, plane).await);
    }
    (server, server.clone_of(&templates[plane.name]).await)
}

async fn make_template(server: &'static Server, plane: Plane) -> String {
    let name = server.new_name("template");
    server.run("postgres", &format!("create database {name}")).await;
    let mut conn = server.connect(&name).await;
    let key = DatabaseKey::new(KEY);
    bootstrap(&mut conn, AppPassword::Derived(&key)).await.expect("a superuser may do all of it");
    let control = Migrations::new(postgres::MIGRATIONS);
    let done = migrate::control_plane(&mut conn, "saas_tenancy", &control).await;
    done.unwrap_or_else(|error| panic!("{error:?}"));
    let done = migrate::tenant_plane(&mut conn, Target::Shared, &plane.migrations).await;
    done.unwrap_or_else(|error| panic!("{error:?}"));
    drop(conn.close().await);
    name
}

/// The server that the control plane knows itself to be on.
async fn default_server(conn: &mut PgConnection) -> saas_tenancy::ServerId {
    let id = sqlx::query_scalar("select id from saas_tenancy.servers where is_default");
    let id: uuid::Uuid = id.fetch_one(conn).await.expect("the control plane is migrated");
    saas_tenancy::ServerId::from_uuid(id)
}

/// The application's address of `database`, by way of another port if there is a proxy.
fn address(server: &Server, database: &str, port: Option<u16>) -> SecretString {
    let port = port.unwrap_or_else(|| server.superuser(database).get_port());
    let password = DatabaseKey::new(KEY).password(APP_ROLE);
    let password = password.expose_secret();
    // The counting proxy reads messages, so they must not be encrypted.
    format!("postgres://{APP_ROLE}:{password}@127.0.0.1:{port}/{database}?sslmode=disable").into()
}
