//! Two transactions of one handle cannot be open together, so their contexts cannot be mixed up.

use saas_tenancy::{TenancyError, db::TenantDb};

async fn nested(db: &mut TenantDb) -> Result<(), TenancyError> {
    let outer = db.begin().await?;
    let inner = db.begin().await?;
    inner.commit().await?;
    outer.commit().await
}

fn main() {}
