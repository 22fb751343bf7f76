//! A name means one permission.

saas_rbac::permissions! {
    pub mod perm {
        members {
            /// See members.
            Read: "read" = 0, Low;
            /// See members once more.
            Look: "read" = 1, Low;
        }
    }
}

fn main() {}
