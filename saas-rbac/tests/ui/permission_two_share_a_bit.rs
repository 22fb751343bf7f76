//! A bit stands for one permission: a role that has the one would have the other.

saas_rbac::permissions! {
    pub mod perm {
        members {
            /// See members.
            Read: "read" = 0, Low;
        }
        invoices {
            /// Void an invoice.
            Void: "void" = 0, Critical;
        }
    }
}

fn main() {}
