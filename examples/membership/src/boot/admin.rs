//! Work on the database as its administrator, before and beside the application.

#![expect(clippy::disallowed_types, reason = "migrations run on an administrator's connection")]

use std::str::FromStr;

use saas_tenancy::provision::{self, AppPassword};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use url::Url;

use crate::failure::Failure;

/// What PostgreSQL answers to a wrong password.
const WRONG_PASSWORD: &str = "28P01";

/// Connects as the administrator.
pub(super) async fn connect(url: &SecretString) -> Result<PgConnection, Failure> {
    let options = options(url)?;
    options.connect().await.map_err(Failure::other("connect to the database as administrator"))
}

/// Connects as the application, or as one of its tenants.
pub(super) async fn connect_as_app(url: &SecretString) -> Result<PgConnection, Failure> {
    let options = options(url)?;
    let role = options.get_username().to_owned();
    options.connect().await.map_err(|source| {
        let refusal = source.as_database_error();
        if refusal.and_then(|refusal| refusal.code()).as_deref() == Some(WRONG_PASSWORD) {
            return Failure::WrongPassword { role, source };
        }
        Failure::other("connect to the database as the application")(source)
    })
}

fn options(url: &SecretString) -> Result<PgConnectOptions, Failure> {
    PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| Failure::Needs("a database address is not one of PostgreSQL"))
}

/// The same login to another database of the same server.
pub(super) fn with_database(url: &SecretString, name: &str) -> Result<SecretString, Failure> {
    let mut url = Url::parse(url.expose_secret())
        .map_err(Failure::other("read the administrator's address"))?;
    url.set_path(name);
    Ok(String::from(url).into())
}

/// Makes the roles, and closes what PostgreSQL opens to everybody.
pub(super) async fn bootstrap(
    url: &SecretString,
    password: AppPassword<'_>,
) -> Result<(), Failure> {
    let mut conn = connect(url).await?;
    provision::bootstrap(&mut conn, password).await?;
    conn.close().await.map_err(Failure::other("close the administrator's connection"))
}

/// Makes a database on the private server, once. `name` is one of the program's own.
pub(super) async fn create_database(
    superuser: &SecretString,
    name: &'static str,
) -> Result<(), Failure> {
    let failed = || Failure::other("create the application's database");
    let mut conn = connect(superuser).await?;
    let known = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
    let known: bool = known.bind(name).fetch_one(&mut conn).await.map_err(failed())?;
    if !known {
        let sql = format!("create database {name} template template0");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.map_err(failed())?;
    }
    conn.close().await.map_err(failed())
}
