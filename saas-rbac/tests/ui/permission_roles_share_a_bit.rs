//! A bit of a role mask stands for one role.

use saas_rbac::permission::{FixedRole, FixedRoles, PermissionSet};

pub const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", PermissionSet::ALL),
    FixedRole::new(0, "viewer", PermissionSet::EMPTY),
]);

fn main() {}
