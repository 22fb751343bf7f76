//! The session functions that protect a tenant schema; see the SQL files beside this one.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    MigrateError,
    rewrite::{Rewritten, Rows, Tables, rewrite},
};

const FUNCTIONS: [&str; 6] = [
    include_str!("sql/tables.sql"),
    include_str!("sql/stand_ins.sql"),
    include_str!("sql/keys.sql"),
    include_str!("sql/rights.sql"),
    include_str!("sql/protect.sql"),
    include_str!("sql/search.sql"),
];

/// Makes the functions in the temporary schema of the session, once.
pub(super) async fn install(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let installed: bool = sqlx::query_scalar(
        "select to_regprocedure('pg_temp.protect_schema(text, name)') is not null",
    )
    .fetch_one(&mut *conn)
    .await?;
    if !installed {
        sqlx::raw_sql(AssertSqlSafe(format!("begin; {} commit", FUNCTIONS.concat())))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Rewrites a file for the tables that stand in `schema`, and makes the stand-ins it needs.
pub(super) async fn rewritten(
    conn: &mut PgConnection,
    schema: &str,
    sql: &str,
) -> Result<String, sqlx::Error> {
    let standing: Vec<(String, Vec<String>)> =
        sqlx::query_as("select name, key from pg_temp.standing_tables($1)")
            .bind(schema)
            .fetch_all(&mut *conn)
            .await?;
    let tables = Tables::from_iter(standing);
    let Rewritten { sql, referenced, rows } = rewrite(sql, &tables, &format!("{schema}_keys"));
    for table in referenced {
        sqlx::query("select pg_temp.make_stand_in($1, $2, $3)")
            .bind(schema)
            .bind(table)
            .bind(rows == Rows::Needed)
            .execute(&mut *conn)
            .await?;
    }
    Ok(sql)
}

/// Protects every object of `schema` for `role`.
pub(super) async fn apply(
    conn: &mut PgConnection,
    schema: &str,
    role: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_temp.protect_schema($1, $2::name), pg_temp.drop_stand_ins($1)")
        .bind(schema)
        .bind(role)
        .execute(conn)
        .await?;
    Ok(())
}
