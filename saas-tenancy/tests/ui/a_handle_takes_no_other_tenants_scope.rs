//! A handle is bound to the tenant it was made for; there is no way to begin for another.

use saas_core::Scope;
use saas_tenancy::db::TenantDb;

async fn as_another(db: &mut TenantDb, other: &Scope) {
    drop(db.begin(other).await);
}

fn main() {}
