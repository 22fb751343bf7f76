//! What all of the crate's statements share: sets as bit strings, and what a refusal means.

use saas_core::permission::PermissionSet;
use saas_tenancy::TenancyError;
use sqlx::error::ErrorKind;

use crate::error::AccessError;

/// A set as a `bit(256)` reads it: character `n` is permission `n`. Bind it as `$1::text::bit(256)`.
pub(crate) fn to_bits(set: PermissionSet) -> String {
    (0..=u8::MAX).map(|bit| if set.contains(bit) { '1' } else { '0' }).collect()
}

/// The set that a `bit(256)` holds, selected as `mask::text`.
pub(crate) fn from_bits(text: &str) -> PermissionSet {
    (0..=u8::MAX)
        .zip(text.bytes())
        .filter(|(_, digit)| *digit == b'1')
        .map(|(bit, _)| bit)
        .collect()
}

/// What the database meant when it refused a statement.
///
/// The triggers and constraints of the schema name themselves; see `migrations/0001_access.sql`.
pub(crate) fn refused(error: sqlx::Error) -> AccessError {
    let Some(database) = error.as_database_error() else {
        return unreachable_database(error);
    };
    let constraint = database.constraint().unwrap_or_default();
    match (constraint, database.kind()) {
        ("no_escalation", _) => AccessError::NotGrantable { missing: Vec::new() },
        ("owners_only", _) => AccessError::OwnersOnly,
        ("last_owner", _) => AccessError::LastOwner,
        ("keys_of_their_owner", _) => AccessError::NotTheOwner,
        // A role or a permission went away since it was looked up.
        ("known_roles" | "known_permissions", _) => AccessError::Stale,
        ("roles_in_use", _) => AccessError::RoleInUse,
        ("roles_no_cycle", _) => AccessError::RoleCycle("it would include itself".to_owned()),
        ("roles_one_name", _) => AccessError::RoleNameTaken,
        ("invitations_one_open", _) => AccessError::AlreadyInvited,
        ("invitations_over" | "stays_revoked", _) => AccessError::TokenUsed,
        ("memberships_pkey", ErrorKind::UniqueViolation) => AccessError::AlreadyMember,
        ("users_one_email", _) => AccessError::EmailTaken,
        _ => AccessError::Database(error.into()),
    }
}

/// The same for the end of a transaction, where deferred constraints speak.
pub(crate) fn not_committed(error: TenancyError) -> AccessError {
    match error {
        TenancyError::Database(source) => match source.downcast::<sqlx::Error>() {
            Ok(error) => refused(*error),
            Err(source) => AccessError::Database(source),
        },
        other => other.into(),
    }
}

/// A question about access that the database did not answer, whatever the reason: 503.
pub(crate) fn unavailable(error: sqlx::Error) -> AccessError {
    AccessError::Unavailable(error.into())
}

/// A statement that got no answer from the database is a database that cannot be asked.
fn unreachable_database(error: sqlx::Error) -> AccessError {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
            AccessError::Unavailable(error.into())
        }
        other => AccessError::Database(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn the_first_character_is_the_first_permission() {
        assert!(to_bits(PermissionSet::of(0)).starts_with("10"));
        assert!(to_bits(PermissionSet::of(255)).ends_with("01"));
    }

    proptest! {
        #[test]
        fn a_set_survives_the_way_to_the_database_and_back(bits: Vec<u8>, more in any::<u8>()) {
            let set: PermissionSet = bits.into_iter().chain([more]).collect();
            prop_assert_eq!(to_bits(set).len(), 256);
            prop_assert_eq!(from_bits(&to_bits(set)), set);
        }
    }
}
