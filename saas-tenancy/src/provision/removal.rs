//! Removes a tenant's home. What is gone already does not matter.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{ProvisionError, home::run, servers::Servers};
use crate::{
    migrate::{Target, quoted},
    placement::{Isolation, physical_name},
    tenant::Tenant,
};

/// Removes everything that holds the tenant's data, one tenant a transaction: the server's table of
/// locks is small.
pub(super) async fn remove_home(servers: &Servers, tenant: &Tenant) -> Result<(), ProvisionError> {
    let mut conn = servers.common(tenant).await?;
    let name = quoted(&physical_name(tenant.id));
    match tenant.placement.isolation {
        Isolation::Shared => delete_rows(&mut conn, tenant).await?,
        Isolation::Schema => {
            run(&mut conn, &format!("drop schema if exists {name} cascade")).await?;
            run(&mut conn, &format!("drop role if exists {name}")).await?;
        }
        Isolation::Database => {
            run(&mut conn, &format!("drop database if exists {name} with (force)")).await?;
            run(&mut conn, &format!("drop role if exists {name}")).await?;
        }
    }
    Ok(conn.close().await?)
}

/// Deletes the tenant's rows from all shared tables in one statement: foreign keys are checked at
/// its end, so the order does not matter, nor do circles.
async fn delete_rows(conn: &mut PgConnection, tenant: &Tenant) -> Result<(), ProvisionError> {
    let mut tx = conn.begin().await?;
    // Without rights on all tenants' rows the deletion fails instead of leaving them.
    // The triggers of the audit log let a tenant go as a whole, and only the one that is named.
    let settings = format!(
        "set local row_security = off; set local search_path = pg_catalog;
         set local saas.audit_removal = '{}'",
        tenant.id
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *tx).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
         where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p')
           and not c.relispartition
         order by 1",
    )
    .bind(Target::Shared.schema())
    .fetch_all(&mut *tx)
    .await?;
    if !tables.is_empty() {
        let deletions = tables.iter().enumerate().map(|(at, table)| {
            format!("deleted_{at} as (delete from {table} where tenant_id = $1)")
        });
        let sql = format!("with {} select 1", deletions.collect::<Vec<_>>().join(", "));
        sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(tenant.id.as_uuid())
            .execute(&mut *tx)
            .await?;
    }
    Ok(tx.commit().await?)
}
