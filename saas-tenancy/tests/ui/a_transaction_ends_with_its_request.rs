//! A task that outlives the request cannot take the transaction along.

use saas_tenancy::{TenancyError, db::TenantDb};

async fn hand_over(mut db: TenantDb) -> Result<(), TenancyError> {
    let tx = db.begin().await?;
    tokio::spawn(async move { tx.commit().await });
    Ok(())
}

fn main() {}
