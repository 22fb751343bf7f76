//! A role cannot be given what does not exist, such as a name with a slip of the pen.

use saas_rbac::permission::FixedRole;

saas_rbac::permissions! {
    pub mod perm {
        members {
            /// See members.
            Read: "read" = 0, Low;
        }
    }
}

pub const VIEWER: FixedRole =
    FixedRole::new(3, "viewer", perm::CATALOGUE.select(&["member:read"]));

fn main() {}
