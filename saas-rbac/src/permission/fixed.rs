use super::{PermissionSet, catalogue::same};

/// A role that every tenant has and nobody can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedRole {
    bit: u8,
    name: &'static str,
    permissions: PermissionSet,
}

impl FixedRole {
    /// The bits that fixed roles may have are those below this one. Custom roles have the others.
    pub const BITS: u8 = 16;

    /// The role called `name`. Its `bit` is stored with memberships and never changes.
    ///
    /// # Panics
    /// If the bit is not below [`BITS`](Self::BITS), or the name is empty or has anything but
    /// lower-case letters, digits and underscores.
    #[must_use]
    #[track_caller]
    pub const fn new(bit: u8, name: &'static str, permissions: PermissionSet) -> Self {
        assert!(bit < Self::BITS, "the bit of a fixed role is 0 to 15");
        assert!(is_word(name), "a role is named in lower case");
        Self { bit, name, permissions }
    }

    /// Its place in a role mask.
    #[must_use]
    pub const fn bit(&self) -> u8 {
        self.bit
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it gives.
    #[must_use]
    pub const fn permissions(&self) -> PermissionSet {
        self.permissions
    }

    /// The role mask of somebody who has this role alone, as the database holds it.
    #[must_use]
    pub const fn mask(&self) -> i64 {
        1 << self.bit
    }
}

/// The roles that every tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedRoles {
    roles: &'static [FixedRole],
}

impl FixedRoles {
    /// Exactly these roles.
    ///
    /// # Panics
    /// If two of them share a bit or a name. In a `const` this is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn new(roles: &'static [FixedRole]) -> Self {
        let mut later = 0;
        while later < roles.len() {
            let mut earlier = 0;
            while earlier < later {
                assert!(roles[earlier].bit != roles[later].bit, "two roles share a bit");
                assert!(!same(roles[earlier].name, roles[later].name), "two roles share a name");
                earlier += 1;
            }
            later += 1;
        }
        Self { roles }
    }

    /// Every role, as it was given.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static FixedRole> + use<> {
        self.roles.iter()
    }

    /// The role of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&'static FixedRole> {
        self.iter().find(|role| role.name == name)
    }

    /// The roles in a role mask. Bits of custom roles are not looked at.
    pub fn in_mask(&self, mask: i64) -> impl Iterator<Item = &'static FixedRole> + use<> {
        self.iter().filter(move |role| role.mask() & mask != 0)
    }

    /// What the roles in a role mask give together.
    #[must_use]
    pub fn permissions(&self, mask: i64) -> PermissionSet {
        self.in_mask(mask).fold(PermissionSet::EMPTY, |set, role| set.union(role.permissions))
    }
}

const fn is_word(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}
