//! The tables of the audit log, which stand in every home beside the application's own.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use saas_core::TenantId;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::{MigrateError, Target, target::quoted};

/// Idempotent, because it runs before every protection.
const TABLES: &str = include_str!("sql/audit.sql");

/// What the comment of the table that is made last says of this layout.
const LAYOUT: &str = "layout 1.";

/// Whether a home has the tables of this version.
pub(super) async fn is_current(
    conn: &mut PgConnection,
    schema: &str,
) -> Result<bool, MigrateError> {
    let comment: Option<String> =
        sqlx::query_scalar("select obj_description(to_regclass($1), 'pg_class')")
            .bind(format!("{}.saas_audit_seals", quoted(schema)))
            .fetch_one(conn)
            .await?;
    Ok(comment.is_some_and(|comment| comment.contains(LAYOUT)))
}

/// Makes what is missing, in the schema that is first on the search path.
pub(super) async fn make(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(TABLES).execute(conn).await?;
    Ok(())
}

/// A calendar month in UTC: the unit in which audit entries are kept and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month that `moment` is in.
    #[must_use]
    pub fn of(moment: DateTime<Utc>) -> Self {
        let day = moment.date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        Utc.from_utc_datetime(&self.0.and_time(chrono::NaiveTime::MIN))
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(chrono::Months::new(1)).unwrap_or(self.0))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m").fmt(f)
    }
}

/// Removes the entries of one month from a home, with its partition. Seals stay.
///
/// Whose entries were exported is said by `exported`: the month stays as long as it holds an entry
/// of any other tenant, or one that is not sealed. Whoever calls this has the administrator's
/// connection to the database of the home; requests never have it. Call it through
/// `audit::AuditLog::expire`, which exports, signs and notes what was done.
///
/// Says whether there was such a month.
///
/// # Errors
/// [`MigrateError::Refused`] when it holds other entries, [`MigrateError::Busy`] when the table is
/// in use for too long, [`MigrateError::Database`] when the server fails.
pub async fn drop_audit_month(
    conn: &mut PgConnection,
    target: Target,
    month: Month,
    exported: &[TenantId],
) -> Result<bool, MigrateError> {
    let mut tx = conn.begin().await?;
    let outcome = drop_month(&mut tx, target, month, exported).await;
    // Ended at once: a transaction that is merely dropped keeps its locks until the next statement.
    match outcome {
        Ok(true) => tx.commit().await?,
        Ok(false) | Err(_) => tx.rollback().await?,
    }
    outcome
}

async fn drop_month(
    conn: &mut PgConnection,
    target: Target,
    month: Month,
    exported: &[TenantId],
) -> Result<bool, MigrateError> {
    let schema = target.schema();
    let failed = |error| MigrateError::statement(&schema, None, error);
    let limits = "set local lock_timeout = '5s'; set local row_security = off;
        set local search_path = pg_catalog";
    sqlx::raw_sql(limits).execute(&mut *conn).await?;
    let home = quoted(&schema);
    let part = format!("{home}.{}", quoted(&format!("saas_audit_{}", month.0.format("%Y%m"))));
    let known: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(&part)
        .fetch_one(&mut *conn)
        .await?;
    if !known {
        return Ok(false);
    }
    // First the lock, then the look: nothing can be added in between.
    let detach = format!("alter table {home}.saas_audit detach partition {part}");
    sqlx::raw_sql(AssertSqlSafe(detach)).execute(&mut *conn).await.map_err(failed)?;
    let left = left_over(conn, &home, &part, exported).await?;
    if left > 0 {
        let what = format!(
            "month {month} of the audit log holds {left} entries of other tenants or without a seal; seal and export them first"
        );
        return Err(MigrateError::Refused { schema, what });
    }
    let sql = format!("drop table {part}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map_err(failed)?;
    Ok(true)
}

/// How many entries of a partition were not exported, or could not be because they have no seal.
async fn left_over(
    conn: &mut PgConnection,
    home: &str,
    part: &str,
    exported: &[TenantId],
) -> Result<i64, MigrateError> {
    let ids: Vec<Uuid> = exported.iter().map(|tenant| tenant.as_uuid()).collect();
    let sql = format!(
        "select count(*) from {part} e where e.tenant_id <> all ($1)
             or not exists (select from {home}.saas_audit_seals s
                 where s.tenant_id = e.tenant_id and s.entry_id = e.id)"
    );
    let left = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).bind(ids);
    Ok(left.fetch_one(conn).await?)
}
