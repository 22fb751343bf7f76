use saas_core::permission::PermissionSet;
use saas_rbac::permission::{FixedRole, FixedRoles};

use super::perm::CATALOGUE;

const VIEWER: PermissionSet = CATALOGUE.select(&[
    "members:read",
    "membership_types:read",
    "analytics:view",
    "documents:read",
    "messages:read",
]);

const MEMBER: PermissionSet = VIEWER.union(CATALOGUE.select(&[
    "members:create",
    "members:update",
    "documents:write",
    "messages:write",
    "events:write",
]));

const ADMIN: PermissionSet = MEMBER.union(CATALOGUE.select(&[
    "members:deactivate",
    "members:import",
    "members:export",
    "membership_types:manage",
    "reports:*",
    "team:read",
    "team:invite",
    "team:remove",
    "team:update_role",
    "roles:read",
    "api_keys:manage",
    "audit:read",
    "settings:read",
    "billing:view",
]));

/// The roles that every tenant has. Their bits are for ever, like those of permissions.
pub const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", CATALOGUE.all()),
    FixedRole::new(1, "admin", ADMIN),
    FixedRole::new(2, "member", MEMBER),
    FixedRole::new(3, "viewer", VIEWER),
]);

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may do what, as it was agreed: `o`wner, `a`dmin, `m`ember, `v`iewer.
    const AGREED: [(&str, &str); 30] = [
        ("members:read", "oamv"),
        ("membership_types:read", "oamv"),
        ("analytics:view", "oamv"),
        ("documents:read", "oamv"),
        ("messages:read", "oamv"),
        ("members:create", "oam"),
        ("members:update", "oam"),
        ("documents:write", "oam"),
        ("messages:write", "oam"),
        ("events:write", "oam"),
        ("members:deactivate", "oa"),
        ("members:import", "oa"),
        ("members:export", "oa"),
        ("membership_types:manage", "oa"),
        ("reports:read", "oa"),
        ("reports:manage", "oa"),
        ("team:read", "oa"),
        ("team:invite", "oa"),
        ("team:remove", "oa"),
        ("team:update_role", "oa"),
        ("roles:read", "oa"),
        ("api_keys:manage", "oa"),
        ("audit:read", "oa"),
        ("settings:read", "oa"),
        ("billing:view", "oa"),
        ("roles:manage", "o"),
        ("billing:manage", "o"),
        ("tenant:manage", "o"),
        ("tenant:delete", "o"),
        ("team:transfer_ownership", "o"),
    ];

    #[test]
    fn the_roles_are_exactly_the_agreed_matrix() {
        assert_eq!(CATALOGUE.iter().len(), AGREED.len());
        for (name, holders) in AGREED {
            let permission = CATALOGUE.parse(name).unwrap_or_else(|| panic!("no `{name}`"));
            for (role, letter) in [("owner", 'o'), ("admin", 'a'), ("member", 'm'), ("viewer", 'v')]
            {
                let role = ROLES.by_name(role).unwrap();
                let holds = role.permissions().contains(permission.bit);
                assert_eq!(holds, holders.contains(letter), "{name} {}", role.name());
            }
        }
    }

    #[test]
    fn bits_are_what_they_were_when_they_were_first_stored() {
        let bits: Vec<u8> = AGREED
            .iter()
            .filter_map(|(name, _)| CATALOGUE.parse(name))
            .map(|permission| permission.bit)
            .collect();
        assert_eq!(
            bits,
            [
                0, 10, 15, 25, 30, 1, 2, 26, 31, 35, 3, 4, 5, 11, 20, 21, 40, 41, 42, 43, 50, 55,
                60, 65, 70, 51, 71, 80, 81, 44
            ]
        );
        let roles: Vec<_> = ROLES.iter().map(|role| (role.bit(), role.name())).collect();
        assert_eq!(roles, [(0, "owner"), (1, "admin"), (2, "member"), (3, "viewer")]);
    }
}
