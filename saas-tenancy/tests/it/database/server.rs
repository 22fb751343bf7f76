//! One throw-away database server for the whole binary, one database for each test.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use saas_tenancy::{
    db::DatabaseKey,
    embedded::EmbeddedPostgres,
    provision::{APP_ROLE, AppPassword, bootstrap},
};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};

#[derive(Debug)]
struct Server {
    url: url::Url,
    // Stops with this process.
    _running: Option<EmbeddedPostgres>,
}

/// A database of its own for one test, prepared by [`bootstrap`].
#[derive(Debug)]
pub(crate) struct Db {
    /// The address for a superuser.
    pub(crate) url: url::Url,
    /// Connects as a superuser.
    pub(crate) admin: PgConnectOptions,
}

impl Db {
    /// Makes the database and prepares it.
    pub(crate) async fn new() -> Self {
        let db = Self::bare().await;
        bootstrap(&mut db.connect().await, AppPassword::Derived(&key())).await.unwrap();
        db
    }

    /// Makes the database only.
    pub(crate) async fn bare() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{number}", std::process::id());
        let mut conn = connect(&server.url.as_str().parse().unwrap()).await;
        let sql = format!("create database {name} template template0");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        let mut url = server.url.clone();
        url.set_path(&name);
        Self { admin: url.as_str().parse().unwrap(), url }
    }

    /// A superuser's connection.
    pub(crate) async fn connect(&self) -> PgConnection {
        connect(&self.admin).await
    }

    /// A connection of the running application.
    pub(crate) async fn connect_app(&self) -> PgConnection {
        self.connect_as(APP_ROLE).await
    }

    /// A connection of a login with a derived password.
    pub(crate) async fn connect_as(&self, role: &str) -> PgConnection {
        let password = key().password(role);
        connect(&self.admin.clone().username(role).password(password.expose_secret())).await
    }
}

/// The key of all logins in tests.
pub(crate) fn key() -> DatabaseKey {
    DatabaseKey::new([42; 32])
}

/// Connects.
pub(crate) async fn connect(options: &PgConnectOptions) -> PgConnection {
    options.connect().await.unwrap()
}

/// Runs statements without parameters.
pub(crate) async fn run(conn: &mut PgConnection, sql: &str) {
    try_run(conn, sql).await.unwrap_or_else(|error| panic!("{error}\nin {sql}"));
}

/// Runs statements without parameters that may fail.
pub(crate) async fn try_run(conn: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map(|_| ())
}

/// The first column of all rows, as text.
pub(crate) async fn texts(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(conn)
        .await
        .unwrap_or_else(|error| panic!("{error}\nin {sql}"))
}

/// The one value of a query.
pub(crate) async fn count(conn: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_one(conn)
        .await
        .unwrap_or_else(|error| panic!("{error}\nin {sql}"))
}

/// The error code of the server.
pub(crate) fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned()
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("SAAS_TEST_DATABASE_URL") {
        Ok(url) => Server { url: url.parse().unwrap(), _running: None },
        // A thread of its own, because the runtime of the test that comes first ends before others.
        Err(_) => thread::spawn(start).join().unwrap(),
    })
}

fn start() -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let running = runtime.block_on(EmbeddedPostgres::throw_away().start()).unwrap();
    let url = running.superuser_url().expose_secret().parse().unwrap();
    Server { url, _running: Some(running) }
}
