//! What makes proofs after a check is not for others to call.

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

fn prove(tenant: TenantId, user: UserId) -> Granted<perm::invoices::Void> {
    Granted::proven(tenant, user)
}

fn main() {}
