use super::{PermissionInfo, PermissionSet};

/// All permissions of an application. Made by [`permissions!`](crate::permissions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Catalogue {
    permissions: &'static [PermissionInfo],
}

/// A name or a pattern for which there is no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission `{0}`; write `resource:action`, `resource:*` or `*`")]
pub struct UnknownPermission(String);

impl UnknownPermission {
    /// The longest part of a name that is repeated in the message, in characters.
    const SHOWN: usize = 64;

    fn new(name: &str) -> Self {
        Self(name.chars().take(Self::SHOWN).collect())
    }
}

impl Catalogue {
    /// Exactly these permissions.
    ///
    /// # Panics
    /// If two of them share a bit or a name, or a name is not `resource:action` of lower-case
    /// letters, digits and underscores. In a `const` this is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn new(permissions: &'static [PermissionInfo]) -> Self {
        let mut later = 0;
        while later < permissions.len() {
            let PermissionInfo { bit, name, .. } = permissions[later];
            assert!(is_name(name), "a permission is named `resource:action` in lower case");
            let mut earlier = 0;
            while earlier < later {
                assert!(permissions[earlier].bit != bit, "two permissions share a bit");
                assert!(!same(permissions[earlier].name, name), "two permissions share a name");
                earlier += 1;
            }
            later += 1;
        }
        Self { permissions }
    }

    /// Every permission, as it was declared.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static PermissionInfo> + use<> {
        self.permissions.iter()
    }

    /// The set of every permission. Bits that nothing was declared for are not in it.
    #[must_use]
    pub const fn all(&self) -> PermissionSet {
        self.matching("*")
    }

    /// The permission with this `bit`.
    #[must_use]
    pub fn get(&self, bit: u8) -> Option<&'static PermissionInfo> {
        self.permissions.iter().find(|permission| permission.bit == bit)
    }

    /// The permission of this name: `members:read`.
    #[must_use]
    pub fn parse(&self, name: &str) -> Option<&'static PermissionInfo> {
        self.permissions.iter().find(|permission| permission.name == name)
    }

    /// The permissions of a name (`members:read`), of a resource (`members:*`) or all (`*`).
    ///
    /// # Errors
    /// [`UnknownPermission`] if there is none.
    pub fn expand(&self, pattern: &str) -> Result<PermissionSet, UnknownPermission> {
        let set = self.matching(pattern);
        if set.is_empty() { Err(UnknownPermission::new(pattern)) } else { Ok(set) }
    }

    /// [`expand`](Self::expand) for several patterns at once.
    ///
    /// # Errors
    /// [`UnknownPermission`] for the first one that there is no permission for.
    pub fn expand_all<'a>(
        &self,
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<PermissionSet, UnknownPermission> {
        patterns
            .into_iter()
            .try_fold(PermissionSet::EMPTY, |set, pattern| Ok(set.union(self.expand(pattern)?)))
    }

    /// The permissions of several patterns, for roles that are written in code.
    ///
    /// # Panics
    /// If there is no permission for one of the patterns. In a `const` this is an error of the
    /// compiler.
    #[must_use]
    #[track_caller]
    pub const fn select(&self, patterns: &[&str]) -> PermissionSet {
        let mut set = PermissionSet::EMPTY;
        let mut next = 0;
        while next < patterns.len() {
            let more = self.matching(patterns[next]);
            assert!(!more.is_empty(), "there is no permission of this name");
            set = set.union(more);
            next += 1;
        }
        set
    }

    /// The names of the permissions in `set`, as they were declared. Other bits have no name.
    pub fn names(&self, set: PermissionSet) -> impl Iterator<Item = &'static str> + use<> {
        self.iter().filter(move |one| set.contains(one.bit)).map(|one| one.name)
    }

    const fn matching(&self, pattern: &str) -> PermissionSet {
        let mut set = PermissionSet::EMPTY;
        let mut next = 0;
        while next < self.permissions.len() {
            let PermissionInfo { bit, name, .. } = self.permissions[next];
            if matches(pattern, name) {
                set = set.with(bit);
            }
            next += 1;
        }
        set
    }
}

/// Whether `name` is meant by `pattern`.
const fn matches(pattern: &str, name: &str) -> bool {
    match pattern.as_bytes() {
        [b'*'] => true,
        // The colon belongs to what must be equal, or `member:*` would take `membership:read`.
        [resource @ .., b'*'] if matches!(resource.last(), Some(b':')) => {
            starts_with(name.as_bytes(), resource)
        }
        _ => same(pattern, name),
    }
}

pub(super) const fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && starts_with(a.as_bytes(), b.as_bytes())
}

const fn starts_with(whole: &[u8], start: &[u8]) -> bool {
    if start.len() > whole.len() {
        return false;
    }
    let mut at = 0;
    while at < start.len() {
        if whole[at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Two words with a colon between them.
const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (mut at, mut colon) = (0, None);
    while at < bytes.len() {
        match bytes[at] {
            b':' if colon.is_none() => colon = Some(at),
            b'a'..=b'z' | b'0'..=b'9' | b'_' => {}
            _ => return false,
        }
        at += 1;
    }
    matches!(colon, Some(place) if place > 0 && place + 1 < bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_two_words_with_a_colon_between() {
        for name in ["a:b", "members:read", "api_keys:manage2"] {
            assert!(is_name(name), "{name}");
        }
        let no_names =
            ["", ":", "a", "a:", ":b", "a:b:c", "A:b", "a:B", "a-b:c", "a :b", "a:*", "ä:b"];
        for name in no_names {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_pattern_means_whole_resources_only() {
        assert!(matches("members:*", "members:read") && matches("*", "members:read"));
        for pattern in ["member:*", "members*", "m*", "*:read", "members:r*", "members:", "", "**"]
        {
            assert!(!matches(pattern, "members:read"), "{pattern}");
        }
    }
}
