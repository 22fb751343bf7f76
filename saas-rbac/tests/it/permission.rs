//! The permissions and fixed roles of a whole application.

use std::collections::BTreeSet;

use saas_core::permission::{Grants, Terms};
use saas_rbac::permission::{FixedRole, FixedRoles, Permission, PermissionSet, Risk};

use perm::CATALOGUE;

saas_rbac::permissions! {
    mod perm {
        members {
            /// See members
            /// and their data.
            Read: "read" = 0, Low;
            /// Add members.
            Create: "create" = 1, Low;
            /// Take members out.
            Deactivate: "deactivate" = 2, High;
        }
        membership_types {
            /// See the tiers.
            Read: "read" = 63, Low;
        }
        tenant {
            /// Close the tenant.
            Delete: "delete" = 255, Critical;
        }
    }
}

const ALL: PermissionSet = CATALOGUE.all();
const OWNER: FixedRole = FixedRole::new(0, "owner", ALL);
const ADMIN: FixedRole =
    FixedRole::new(1, "admin", ALL.difference(CATALOGUE.select(&["tenant:*"])));
const VIEWER: FixedRole =
    FixedRole::new(15, "viewer", CATALOGUE.select(&["members:read", "membership_types:read"]));
const ROLES: FixedRoles = FixedRoles::new(&[OWNER, ADMIN, VIEWER]);

#[test]
fn a_declaration_gives_types_names_and_descriptions() {
    assert_eq!(perm::members::Read::NAME, "members:read");
    assert_eq!(perm::tenant::Delete::BIT, 255);
    let read = CATALOGUE.parse("members:read").unwrap();
    assert_eq!(read.description, "See members and their data.");
    assert_eq!(CATALOGUE.get(63).unwrap().name, "membership_types:read");
    assert_eq!(CATALOGUE.parse("tenant:delete").unwrap().risk, Risk::Critical);
    assert_eq!((CATALOGUE.get(3), CATALOGUE.parse("members:*")), (None, None));
}

#[test]
fn patterns_expand_to_what_is_declared_and_not_beyond() {
    let bits = |pattern: &str| CATALOGUE.expand(pattern).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(bits("members:*"), [0, 1, 2]);
    assert_eq!(bits("members:create"), [1]);
    assert_eq!(bits("*"), [0, 1, 2, 63, 255]);
    for unknown in ["", "member:*", "members", "members:", "members:fly", "*:read", "**"] {
        assert!(CATALOGUE.expand(unknown).is_err(), "{unknown}");
    }
    let both = CATALOGUE.expand_all(["tenant:*", "members:read"]).unwrap();
    assert_eq!(both.iter().collect::<Vec<_>>(), [0, 255]);
    assert!(CATALOGUE.expand_all(["tenant:*", "nothing:*"]).is_err());
}

#[test]
fn a_message_repeats_no_more_than_the_beginning_of_a_long_name() {
    let error = CATALOGUE.expand(&"x".repeat(10_000)).unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn names_of_a_set_are_read_back_to_the_same_set() {
    for role in ROLES.iter() {
        let names: BTreeSet<&str> = CATALOGUE.names(role.permissions()).collect();
        assert_eq!(CATALOGUE.expand_all(names), Ok(role.permissions()), "{}", role.name());
    }
}

#[test]
fn a_role_mask_gives_what_its_roles_give_together() {
    assert_eq!(ROLES.permissions(0), PermissionSet::EMPTY);
    assert_eq!(ROLES.permissions(OWNER.mask() | VIEWER.mask()), ALL);
    assert_eq!(ROLES.permissions(VIEWER.mask() | 1 << 40), VIEWER.permissions());
    let names: Vec<&str> = ROLES.in_mask(0b11).map(FixedRole::name).collect();
    assert_eq!(names, ["owner", "admin"]);
    assert_eq!((VIEWER.mask(), ROLES.by_name("root")), (1 << 15, None));
}

#[test]
fn each_role_may_do_exactly_what_its_row_says() {
    let rows = [
        ("owner", [true, true, true, true]),
        ("admin", [true, true, true, false]),
        ("viewer", [true, false, false, false]),
    ];
    for (name, row) in rows {
        let role = ROLES.by_name(name).unwrap();
        let grants = Grants::new(Terms::of_roles(role.permissions()));
        let allowed = [
            grants.allows::<perm::members::Read>(),
            grants.allows::<perm::members::Create>(),
            grants.allows::<perm::members::Deactivate>(),
            grants.allows::<perm::tenant::Delete>(),
        ];
        assert_eq!(allowed, row, "{name}");
    }
}
