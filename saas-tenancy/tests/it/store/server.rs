//! One PostgreSQL server for the run, and a database with the control plane for each test.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use saas_core::Clock;
use saas_tenancy::{
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    embedded::EmbeddedPostgres,
    store::{
        CachedTenantStore, ChangeListener, DEFAULT_SERVER, PostgresTenantStore,
        postgres::MIGRATIONS,
    },
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

const ROLES: &str = "
    create role saas_owner nologin;
    create role saas_admin nologin bypassrls;
    create role saas_app login noinherit password 'app';";

pub(super) struct Database {
    admin: SecretString,
    app: SecretString,
    pub(super) clock: Clock,
}

impl Database {
    pub(super) async fn new() -> Self {
        static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = SERVER.get_or_init(start).await;
        let name = format!("store_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        run(server.superuser_url(), &format!("create database {name}")).await;

        let url = |user: Option<(&str, &str)>| {
            let mut url = url::Url::from_str(server.superuser_url().expose_secret()).unwrap();
            url.set_path(&name);
            if let Some((user, password)) = user {
                url.set_username(user).unwrap();
                url.set_password(Some(password)).unwrap();
            }
            SecretString::from(url.to_string())
        };
        let (admin, app) = (url(None), url(Some(("saas_app", "app"))));
        for (_, sql) in MIGRATIONS {
            run(&admin, &format!("begin; {sql}; commit")).await;
        }
        Self { admin, app, clock: Clock::system() }
    }

    /// The store of one process.
    pub(super) fn store(&self) -> PostgresTenantStore {
        let address = ServerAddress::new(DEFAULT_SERVER, &self.app).unwrap();
        let address = address.with_admin(&self.admin).unwrap();
        let options = DatabaseOptions::new();
        let databases = TenantDatabases::new(&options, address, [], self.clock.clone());
        PostgresTenantStore::new(databases, self.clock.clone())
    }

    /// The store of one process with its cache, which hears of changes.
    pub(super) fn cached(&self) -> (CachedTenantStore, ChangeListener) {
        let cache = CachedTenantStore::new(Arc::new(self.store()), self.clock.clone());
        let (cache, invalidations) = cache.with_invalidations();
        (cache, ChangeListener::spawn(self.app.clone(), invalidations))
    }

    pub(super) async fn connect_as_app(&self) -> PgConnection {
        connect(&self.app).await
    }

    pub(super) async fn connect_as_superuser(&self) -> PgConnection {
        connect(&self.admin).await
    }
}

async fn start() -> EmbeddedPostgres {
    let server = EmbeddedPostgres::throw_away().start().await.unwrap();
    run(server.superuser_url(), ROLES).await;
    server
}

async fn run(url: &SecretString, sql: &str) {
    let mut conn = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

async fn connect(url: &SecretString) -> PgConnection {
    PgConnectOptions::from_str(url.expose_secret()).unwrap().connect().await.unwrap()
}
