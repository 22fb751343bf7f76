//! The proof of one permission is none of another.

saas_rbac::permissions! {
    /// What people may do.
    pub mod perm {
        /// Invoices.
        invoices {
            /// See an invoice.
            Read: "read" = 0, Low;
            /// Void an invoice.
            Void: "void" = 1, Critical;
        }
    }
}

use saas_rbac::require::Granted;

fn void(_proof: &Granted<perm::invoices::Void>) {}

fn handler(proof: Granted<perm::invoices::Read>) {
    void(&proof);
}

fn main() {}
