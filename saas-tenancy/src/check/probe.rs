//! Tries to cross from one tenant to another on every table, instead of reading the catalogue.

use sqlx::{Connection, PgConnection};

use crate::{error::TenancyError, migrate::Target};

/// What [`probe`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Tables on which every attempt failed as it should.
    pub held: Vec<String>,
    /// Attempts that reached the other tenant.
    pub crossed: Vec<String>,
    /// Tables on which nothing was proven, and why. A test should fail on them: a table without a
    /// row to steal protects nothing.
    pub unverified: Vec<String>,
}

/// Plants a row of one tenant in every table of `target` and tries to read, change, delete and add
/// such rows as another tenant. Everything is rolled back.
///
/// `conn` belongs to a superuser: foreign keys and triggers are off while the rows are planted.
///
/// # Errors
/// [`TenancyError::Database`] when the server fails.
pub async fn probe(conn: &mut PgConnection, target: Target) -> Result<Probe, TenancyError> {
    let mut tx = conn.begin().await?;
    sqlx::raw_sql(include_str!("probe.sql")).execute(&mut *tx).await?;
    let rows: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("select name, crossed, unverified from pg_temp.probe_schema($1, $2::name)")
            .bind(target.schema())
            .bind(target.role())
            .fetch_all(&mut *tx)
            .await?;
    tx.rollback().await?;
    let mut probe = Probe::default();
    for row in rows {
        match row {
            (name, None, None) => probe.held.push(name),
            (name, Some(how), _) => probe.crossed.push(format!("{name}: {how}")),
            (name, None, Some(why)) => probe.unverified.push(format!("{name}: {why}")),
        }
    }
    Ok(probe)
}
