//! What was applied to a schema: its table `saas_migrations`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{MigrateError, Migration, Migrations, target::quoted};

/// A migration and whether it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The migration.
    pub migration: Migration,
    /// When it was applied; `None` while it is pending.
    pub applied_at: Option<DateTime<Utc>>,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Applied {
    version: i64,
    name: String,
    checksum: Vec<u8>,
    applied_at: DateTime<Utc>,
}

/// The rows of the table, none when there is no table yet.
pub(super) async fn read(
    conn: &mut PgConnection,
    schema: &str,
) -> Result<Vec<Applied>, MigrateError> {
    let table = format!("{}.saas_migrations", quoted(schema));
    let known: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(&table)
        .fetch_one(&mut *conn)
        .await?;
    if !known {
        return Ok(Vec::new());
    }
    let sql = format!("select version, name, checksum, applied_at from {table} order by version");
    let rows = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Applied {
                version: row.try_get("version")?,
                name: row.try_get("name")?,
                checksum: row.try_get("checksum")?,
                applied_at: row.try_get("applied_at")?,
            })
        })
        .collect()
}

/// Sets what was applied against what the program knows.
pub(super) fn compare(
    schema: &str,
    applied: &[Applied],
    migrations: &Migrations,
) -> Result<Vec<Standing>, MigrateError> {
    let mut rows: HashMap<i64, &Applied> = applied.iter().map(|row| (row.version, row)).collect();
    let mut standings = Vec::new();
    for migration in migrations.iter() {
        let row = rows.remove(&migration.version);
        if let Some(row) = row
            && (row.checksum != migration.checksum() || row.name != migration.name)
        {
            return Err(MigrateError::Changed {
                schema: schema.to_owned(),
                name: row.name.clone(),
            });
        }
        standings.push(Standing { migration, applied_at: row.map(|row| row.applied_at) });
    }
    if let Some(row) = rows.into_values().max_by_key(|row| row.version) {
        return Err(MigrateError::Unknown { schema: schema.to_owned(), name: row.name.clone() });
    }
    refuse_gaps(schema, &standings)?;
    Ok(standings)
}

/// A pending migration in front of an applied one would meet tables that it does not expect.
fn refuse_gaps(schema: &str, standings: &[Standing]) -> Result<(), MigrateError> {
    let pending = standings.iter().position(|one| one.applied_at.is_none());
    let last = standings.iter().rfind(|one| one.applied_at.is_some());
    match (pending.map(|at| standings[at].migration), last) {
        (Some(pending), Some(last)) if pending.version < last.migration.version => {
            Err(MigrateError::OutOfOrder {
                schema: schema.to_owned(),
                name: pending.name,
                after: last.migration.name,
            })
        }
        _ => Ok(()),
    }
}

/// Makes the table if it is missing. Nobody but its owner and administrators may read it.
pub(super) async fn create(conn: &mut PgConnection, schema: &str) -> Result<(), MigrateError> {
    let table = format!("{}.saas_migrations", quoted(schema));
    let sql = format!(
        "create table if not exists {table} (
            version bigint primary key,
            name text not null,
            checksum bytea not null,
            applied_at timestamptz not null default now()
        );
        alter table {table} owner to saas_owner;
        revoke all on {table} from public"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// Notes that a migration was applied.
pub(super) async fn record(
    conn: &mut PgConnection,
    schema: &str,
    migration: &Migration,
) -> Result<(), MigrateError> {
    let sql = format!(
        "insert into {}.saas_migrations (version, name, checksum) values ($1, $2, $3)",
        quoted(schema),
    );
    sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(migration.version)
        .bind(migration.name)
        .bind(migration.checksum().as_slice())
        .execute(conn)
        .await?;
    Ok(())
}
