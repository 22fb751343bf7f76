//! The databases of all tenants are no executor: a query without a tenant has nowhere to run.

use saas_tenancy::db::TenantDatabases;

async fn everything(databases: &TenantDatabases) -> Result<(), sqlx::Error> {
    sqlx::query("select body from notes").execute(databases).await?;
    Ok(())
}

fn main() {}
