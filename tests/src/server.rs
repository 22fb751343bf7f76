//! One throw-away PostgreSQL server for the whole test binary.

#![expect(clippy::disallowed_types, reason = "tests look at the database from outside, too")]

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use saas_tenancy::embedded::EmbeddedPostgres;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

/// The superuser's address of a server that runs already, instead of one of our own.
const ADDRESS: &str = "SAAS_TEST_DATABASE_URL";

/// A server to test on.
#[derive(Debug)]
pub struct Server {
    url: SecretString,
    /// Stops with this process; its pipe closes.
    _own: Option<EmbeddedPostgres>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// Numbers the databases of this process.
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Server {
    /// The server of this process, started at the first call.
    ///
    /// # Panics
    /// When it cannot be started; the message says what is missing.
    pub async fn get() -> &'static Self {
        SERVER
            .get_or_init(|| async {
                if let Ok(url) = std::env::var(ADDRESS) {
                    return Self { url: url.into(), _own: None };
                }
                // Tests run side by side, each with pools of its own.
                let own = EmbeddedPostgres::throw_away()
                    .with_setting("max_connections", "500")
                    .unwrap_or_else(|error| panic!("{error}"))
                    .start()
                    .await
                    .unwrap_or_else(|error| panic!("{error}"));
                Self { url: own.superuser_url().clone(), _own: Some(own) }
            })
            .await
    }

    /// How the superuser connects to `database`.
    ///
    /// # Panics
    /// When the server's address is not valid.
    #[must_use]
    pub fn superuser(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::from_str(self.url.expose_secret())
            .expect("the address of a PostgreSQL server")
            .database(database)
    }

    /// Runs statements as the superuser.
    ///
    /// # Panics
    /// When one fails.
    pub async fn run(&self, database: &str, sql: &str) {
        let mut conn = self.connect(database).await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        drop(conn.close().await);
    }

    /// A superuser's connection.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn connect(&self, database: &str) -> PgConnection {
        self.superuser(database)
            .connect()
            .await
            .unwrap_or_else(|error| panic!("{database}: {error}"))
    }

    /// A new database with the content of `template`.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn clone_of(&self, template: &str) -> String {
        let name = self.new_name("test");
        self.run("postgres", &format!("create database {name} template {template}")).await;
        name
    }

    /// A name that no database of the server has.
    #[must_use]
    pub fn new_name(&self, prefix: &str) -> String {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}_{}_{number}", std::process::id())
    }
}
