//! What a change of a role would do to the people who have it.

use super::{Book, Diff, rows::MemberRow};

/// Compares the roles as they are with what they would be. `bit` is the changed one.
pub(super) fn diff(before: &Book, after: &Book, bit: u8, members: &[MemberRow]) -> Diff {
    let (old, new) = (before.gives(bit), after.gives(bit));
    let mut diff = Diff {
        added: before.named(new.difference(old)),
        removed: before.named(old.difference(new)),
        gaining: Vec::new(),
        losing: Vec::new(),
    };
    for member in members {
        let old = before.permissions(member.role_mask).difference(member.denied);
        let new = after.permissions(member.role_mask).difference(member.denied);
        if !old.contains_all(new) {
            diff.gaining.push(member.user);
        }
        if !new.contains_all(old) {
            diff.losing.push(member.user);
        }
    }
    diff
}
