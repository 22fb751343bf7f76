//! Applies the migrations of one plane, one transaction a file.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    MigrateError, Migration, Migrations, audit, history, protect as guard,
    target::{Plane, quoted},
};

/// How long a run waits for another one of the same schema.
const WAIT_FOR_RUN: &str = "set local lock_timeout = '60s'";

/// How long a migration waits for a table: a queue behind a waiting lock stops all requests.
const WAIT_FOR_TABLE: &str = "set local lock_timeout = '5s'";

/// Applies what is pending.
pub(super) async fn run(
    conn: &mut PgConnection,
    plane: &Plane,
    migrations: &Migrations,
) -> Result<Vec<Migration>, MigrateError> {
    let applied = history::read(conn, &plane.schema).await?;
    let is_done = next(plane, &applied, migrations)?.is_none() && !applied.is_empty();
    if is_done && has_audit_log(conn, plane).await? {
        return Ok(Vec::new());
    }
    prepare(conn, plane).await?;
    let mut done = Vec::new();
    while let Some(migration) = step(conn, plane, migrations).await? {
        tracing::info!(schema = plane.schema, migration = migration.name, "applied a migration");
        done.push(migration);
    }
    if !has_audit_log(conn, plane).await? {
        protect(conn, plane).await?;
    }
    Ok(done)
}

/// Protects the plane's schema without a migration.
pub(super) async fn protect(conn: &mut PgConnection, plane: &Plane) -> Result<(), MigrateError> {
    prepare(conn, plane).await?;
    let mut tx = conn.begin().await?;
    enter(&mut tx, plane).await?;
    if let Some(role) = &plane.role {
        let failed = |error| MigrateError::statement(&plane.schema, None, error);
        audit::make(&mut tx).await.map_err(failed)?;
        guard::apply(&mut tx, &plane.schema, role).await.map_err(failed)?;
    }
    Ok(tx.commit().await?)
}

/// Whether the home has its audit log. The control plane has none.
async fn has_audit_log(conn: &mut PgConnection, plane: &Plane) -> Result<bool, MigrateError> {
    Ok(plane.role.is_none() || audit::is_current(conn, &plane.schema).await?)
}

/// Makes what the transactions below rest on.
async fn prepare(conn: &mut PgConnection, plane: &Plane) -> Result<(), MigrateError> {
    let roles: bool = sqlx::query_scalar(
        "select to_regrole('saas_owner') is not null and to_regrole('saas_admin') is not null
            and to_regrole('saas_app') is not null and to_regnamespace('saas_ext') is not null",
    )
    .fetch_one(&mut *conn)
    .await?;
    if !roles {
        return Err(MigrateError::NotBootstrapped);
    }
    if plane.role.is_some() {
        guard::install(conn).await?;
    }
    Ok(())
}

/// Applies the first pending migration, if there is one.
async fn step(
    conn: &mut PgConnection,
    plane: &Plane,
    migrations: &Migrations,
) -> Result<Option<Migration>, MigrateError> {
    let mut tx = conn.begin().await?;
    enter(&mut tx, plane).await?;
    history::create(&mut tx, &plane.schema).await?;
    // Another run may have been faster: what is pending is known only behind the lock.
    let applied = history::read(&mut tx, &plane.schema).await?;
    let pending = next(plane, &applied, migrations)?;
    if let Some(migration) = &pending {
        apply(&mut tx, plane, migration).await?;
        history::record(&mut tx, &plane.schema, migration).await?;
    }
    tx.commit().await?;
    Ok(pending)
}

fn next(
    plane: &Plane,
    applied: &[history::Applied],
    migrations: &Migrations,
) -> Result<Option<Migration>, MigrateError> {
    let standings = history::compare(&plane.schema, applied, migrations)?;
    Ok(standings.into_iter().find(|one| one.applied_at.is_none()).map(|one| one.migration))
}

/// Takes the schema's lock, makes the schema if it is missing and sets the session for its files.
async fn enter(conn: &mut PgConnection, plane: &Plane) -> Result<(), MigrateError> {
    let lock = format!("{WAIT_FOR_RUN}; set local client_min_messages = warning");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *conn).await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(&plane.schema)
        .execute(&mut *conn)
        .await
        .map_err(|error| MigrateError::statement(&plane.schema, None, error))?;
    create_schema(conn, plane).await?;
    set_up(conn, plane).await
}

async fn create_schema(conn: &mut PgConnection, plane: &Plane) -> Result<(), MigrateError> {
    // Asked by a query: `if not exists` may look into a cache from before the lock.
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
            .bind(&plane.schema)
            .fetch_one(&mut *conn)
            .await?;
    let schema = quoted(&plane.schema);
    let mut sql = format!(
        "revoke all on schema {schema} from public; grant usage on schema {schema} to saas_admin;"
    );
    if !exists {
        sql.insert_str(0, &format!("create schema {schema} authorization saas_owner;"));
    }
    if let Some(role) = &plane.role {
        sql.push_str(&format!("grant usage on schema {schema} to {};", quoted(role)));
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// The settings a file runs under. Without `row_security = off` a change of data by a role that
/// does not bypass policies would silently touch no row; with it, it fails.
async fn set_up(conn: &mut PgConnection, plane: &Plane) -> Result<(), MigrateError> {
    let sql = format!(
        "{WAIT_FOR_TABLE}; set local row_security = off; set local role none;
         set local search_path = {}, saas_ext, pg_temp",
        quoted(&plane.schema),
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Runs one file and protects what it made.
async fn apply(
    conn: &mut PgConnection,
    plane: &Plane,
    migration: &Migration,
) -> Result<(), MigrateError> {
    let failed = |error| MigrateError::statement(&plane.schema, Some(migration), error);
    let sql = match plane.role {
        Some(_) => guard::rewritten(conn, &plane.schema, migration.sql).await?,
        None => migration.sql.to_owned(),
    };
    let before = transaction(conn).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await.map_err(failed)?;
    if transaction(conn).await? != before {
        return Err(MigrateError::LeftTransaction { name: migration.name });
    }
    set_up(conn, plane).await?;
    if let Some(role) = &plane.role {
        guard::apply(conn, &plane.schema, role).await.map_err(failed)?;
    }
    Ok(())
}

/// The id of the transaction: it changes when a file commits or rolls back on its own.
async fn transaction(conn: &mut PgConnection) -> Result<String, MigrateError> {
    Ok(sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(conn).await?)
}
