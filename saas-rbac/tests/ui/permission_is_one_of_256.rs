//! There are 256 bits.

saas_rbac::permissions! {
    pub mod perm {
        members {
            /// See members.
            Read: "read" = 256, Low;
        }
    }
}

fn main() {}
