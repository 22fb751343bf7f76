//! The connection inside cannot be reached, so nothing can be said to it past the checks.

use saas_tenancy::db::TenantTx;

async fn raw(tx: &mut TenantTx<'_>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("reset role").execute(&mut **tx).await?;
    Ok(())
}

fn main() {}
