//! A name is what a scope of a key and a role in a file can be written with.

saas_rbac::permissions! {
    pub mod perm {
        members {
            /// See members.
            Read: "Read all" = 0, Low;
        }
    }
}

fn main() {}
