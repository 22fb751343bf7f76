//! The roles of the cluster and the locks of each database.

use saas_core::BoxError;
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{ProvisionError, verifier::verifier};
use crate::{db::DatabaseKey, migrate::quoted};

/// The login of the running application.
pub const APP_ROLE: &str = "saas_app";

/// Extensions that migrations may use, all of them trusted ones.
const EXTENSIONS: [&str; 3] = ["pg_trgm", "btree_gin", "btree_gist"];

/// How often to try again when another process makes the same roles.
const TRIES: u32 = 5;

/// Where the application's login has its password from.
#[derive(Debug, Clone, Copy)]
pub enum AppPassword<'a> {
    /// From the key: connect as [`APP_ROLE`] with [`DatabaseKey::password`].
    Derived(&'a DatabaseKey),
    /// From the operator, who sets it by hand.
    Kept,
}

/// Prepares a cluster and the database that `conn` is connected to.
///
/// Makes the roles and extensions, and closes what a new database opens to everybody. Run it at
/// every start, before migrations; repeating it changes nothing, and several processes may do so at
/// once.
///
/// `conn` belongs to a superuser, or to a role with `createrole`, `createdb` and `bypassrls`.
///
/// # Errors
/// [`ProvisionError::Forbidden`] when the connection may not make the roles,
/// [`ProvisionError::MissingExtension`] when the server has not got one, and
/// [`ProvisionError::Database`] when the server fails.
pub async fn bootstrap(
    conn: &mut PgConnection,
    password: AppPassword<'_>,
) -> Result<(), ProvisionError> {
    again(conn, include_str!("sql/roles.sql")).await.map_err(ProvisionError::role)?;
    if let AppPassword::Derived(key) = password {
        set_password(conn, APP_ROLE, key).await?;
    }
    secure_database(conn, APP_ROLE).await
}

/// Closes the database that `conn` is connected to for all but `runtime`, and adds the extensions.
pub(super) async fn secure_database(
    conn: &mut PgConnection,
    runtime: &str,
) -> Result<(), ProvisionError> {
    let mut tx = conn.begin().await?;
    sqlx::raw_sql("set local client_min_messages = warning").execute(&mut *tx).await?;
    sqlx::raw_sql(include_str!("sql/database.sql")).execute(&mut *tx).await?;
    sqlx::query("select pg_temp.secure_database($1::name)").bind(runtime).execute(&mut *tx).await?;
    for extension in EXTENSIONS {
        add_extension(&mut tx, extension).await?;
    }
    Ok(tx.commit().await?)
}

/// Gives a login the password that the key derives for it.
pub(super) async fn set_password(
    conn: &mut PgConnection,
    role: &str,
    key: &DatabaseKey,
) -> Result<(), ProvisionError> {
    // The verifier holds letters, digits and `$:+/=-` only: no quote can end the literal.
    let verifier = verifier(&key.password(role));
    let sql = format!("alter role {} password '{}'", quoted(role), verifier.expose_secret());
    again(conn, &sql).await.map_err(ProvisionError::role)
}

/// Runs a statement on roles, again when another process did the same at the same moment: their
/// catalogues know no `if not exists` and no lock that an ordinary role may take.
pub(super) async fn again(conn: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    let mut tries = 1;
    loop {
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await {
            Err(error) if tries < TRIES && was_overtaken(&error) => tries += 1,
            done => return done.map(|_| ()),
        }
    }
}

fn was_overtaken(error: &sqlx::Error) -> bool {
    let Some(details) = error.as_database_error() else { return false };
    match details.code().as_deref() {
        // Unique violation in a catalogue, and a role that exists by now.
        Some("23505" | "42710") => true,
        Some("XX000") => details.message().starts_with("tuple concurrently"),
        _ => false,
    }
}

async fn add_extension(conn: &mut PgConnection, name: &'static str) -> Result<(), ProvisionError> {
    let (available, place): (bool, Option<String>) = sqlx::query_as(
        "select exists (select from pg_available_extensions where name = $1),
            (select extnamespace::regnamespace::text from pg_extension where extname = $1)",
    )
    .bind(name)
    .fetch_one(&mut *conn)
    .await?;
    match place.as_deref() {
        Some("saas_ext") => return Ok(()),
        Some(_) => return Err(ProvisionError::MisplacedExtension { name }),
        None if !available => return Err(ProvisionError::MissingExtension { name }),
        None => {}
    }
    let sql = format!("create extension {name} schema saas_ext");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

impl ProvisionError {
    /// Sorts a failure of work on roles.
    fn role(error: sqlx::Error) -> Self {
        let code =
            error.as_database_error().and_then(|e| e.code()).map(std::borrow::Cow::into_owned);
        if code.as_deref() == Some("42501") {
            Self::Forbidden(BoxError::from(error))
        } else {
            Self::from(error)
        }
    }
}
