//! Nor is one tenant's handle: the context lives in a transaction.

use saas_tenancy::db::TenantDb;

async fn without_begin(db: &mut TenantDb) -> Result<(), sqlx::Error> {
    sqlx::query("select body from notes").execute(db).await?;
    Ok(())
}

fn main() {}
