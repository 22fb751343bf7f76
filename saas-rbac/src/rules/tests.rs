use std::time::Duration;

use saas_core::permission::{Grants, Permission, PermissionInfo, PermissionSet, Risk, Terms};

use super::*;
use crate::permission::FixedRole;

struct Read;
struct Write;

impl Permission for Read {
    const BIT: u8 = 0;
    const NAME: &'static str = "notes:read";
    const RISK: Risk = Risk::Low;
}

impl Permission for Write {
    const BIT: u8 = 1;
    const NAME: &'static str = "notes:write";
    const RISK: Risk = Risk::Low;
}

const INFOS: [PermissionInfo; 2] =
    [PermissionInfo::of::<Read>(""), PermissionInfo::of::<Write>("")];
const CATALOGUE: Catalogue = Catalogue::new(&INFOS);
const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", CATALOGUE.all()),
    FixedRole::new(1, "reader", PermissionSet::of(0)),
]);

fn rules() -> RouteRules {
    RouteRules::new()
        .with(Method::GET, "/a", Rule::any_of(INFOS))
        .and_then(|rules| rules.with(Method::PUT, "/a", Rule::permission::<Write>()))
        .and_then(|rules| rules.with(Method::GET, "/admin", Rule::super_admin()))
        .and_then(|rules| rules.with(Method::GET, "/me", Rule::signed_in()))
        .unwrap()
}

#[test]
fn a_route_without_a_rule_and_a_rule_without_a_route_are_both_named() {
    let routes =
        [(Method::GET, "/a"), (Method::PUT, "/a"), (Method::GET, "/me"), (Method::PUT, "/b")];
    let error = rules().check(&CATALOGUE, routes).unwrap_err();
    assert_eq!(
        error.problems(),
        ["`PUT /b` has no rule; state one", "there is no route `GET /admin`; remove its rule"],
    );
}

#[test]
fn a_permission_that_is_not_declared_is_named() {
    const OTHER: Catalogue = Catalogue::new(&[PermissionInfo {
        bit: 9,
        name: "notes:write",
        risk: Risk::Low,
        description: "",
    }]);
    let rules = RouteRules::new().with(Method::GET, "/a", Rule::permission::<Write>()).unwrap();
    let error = rules.check(&OTHER, [(Method::GET, "/a")]).unwrap_err();
    assert_eq!(error.problems(), ["`GET /a` asks for the unknown `notes:write`"]);
}

#[test]
fn a_route_has_one_rule() {
    assert!(rules().with(Method::GET, "/a", Rule::public()).is_err());
    assert!(rules().merge(rules()).is_err());
}

#[test]
fn the_matrix_is_a_table_that_can_be_kept() {
    let expected = "\
method  path    rule                      anonymous  owner  reader  staff
GET     /a      notes:read | notes:write  ·          ●      ●       ·
PUT     /a      notes:write               ·          ●      ·       ·
GET     /admin  super-admin               ·          ·      ·       ●
GET     /me     signed in                 ·          ●      ●       ●
";
    assert_eq!(rules().matrix(&ROLES).to_string(), expected);
}

#[test]
fn the_matrix_says_what_the_rule_enforces() {
    let rules = rules();
    let matrix = rules.matrix(&ROLES);
    for (row, (.., rule)) in matrix.rows().iter().zip(rules.iter()) {
        for (role, shown) in ROLES.iter().zip(&row.roles) {
            let grants = Grants::new(Terms::of_roles(role.permissions()));
            assert_eq!(rule.allows(&grants).is_ok(), *shown, "{} {}", row.path, role.name());
        }
    }
}

#[test]
fn nobody_passes_a_rule_that_names_no_permission() {
    let all = Grants::new(Terms::of_roles(PermissionSet::ALL));
    assert!(Rule::any_of([]).allows(&all).is_err());
    assert!(Rule::super_admin().allows(&all).is_err());
}

#[test]
fn documents_read_the_rule_in_words() {
    let rule =
        Rule::permission::<Write>().with_feature("notes").with_step_up(Duration::from_secs(300));
    let security = rule.security();
    assert_eq!(security.note, "notes:write + plan notes + proof within 300 s");
    assert_eq!(security.permissions, ["notes:write"]);
    assert_eq!(security.statuses.len(), 2);
    assert!(Rule::public().security().statuses.is_empty());
}
