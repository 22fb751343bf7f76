//! A proof comes from a check and from nowhere else.

saas_rbac::permissions! {
    /// What people may do.
    pub mod perm {
        /// Invoices.
        invoices {
            /// Void an invoice.
            Void: "void" = 0, Critical;
        }
    }
}

use saas_core::{TenantId, UserId};
use saas_rbac::require::Granted;

fn forge(tenant: TenantId, user: UserId) -> Granted<perm::invoices::Void> {
    Granted { tenant, user, permission: std::marker::PhantomData }
}

fn main() {}
