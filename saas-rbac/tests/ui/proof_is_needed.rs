//! Domain code that takes a proof cannot be called without one.

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

use saas_rbac::require::Granted;

fn void(_proof: &Granted<perm::invoices::Void>, _number: u32) {}

fn main() {
    void(7);
}
