//! The bytes of an entry that its hash is made of.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::rows::StoredEntry;

/// What every hash of this form begins with; another form gets another name.
const DOMAIN: &[u8] = b"saas audit entry v1";

/// The hash of an entry and of all entries before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry has before it.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of `entry` as number `seq`, sealed at `sealed_at` behind the one with hash `prev`:
    /// SHA-256 of `saas audit entry v1`, the fields, and the 32 bytes of `prev`.
    ///
    /// The fields, each behind its length as four bytes: tenant (16 bytes), number (8), time of
    /// sealing (8), id (16), time (8), actor, action, kind and id of the target, outcome, and the
    /// entry's JSON as it is stored. Texts are UTF-8, times are microseconds since 1970, numbers are
    /// signed and big-endian.
    #[must_use]
    pub fn of_entry(entry: &StoredEntry, seq: i64, sealed_at: DateTime<Utc>, prev: Self) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(DOMAIN);
        let (tenant, id) = (entry.tenant.as_uuid(), entry.id.as_uuid());
        let fields: [&[u8]; 11] = [
            tenant.as_bytes(),
            &seq.to_be_bytes(),
            &sealed_at.timestamp_micros().to_be_bytes(),
            id.as_bytes(),
            &entry.occurred_at.timestamp_micros().to_be_bytes(),
            entry.actor.as_bytes(),
            entry.action.as_bytes(),
            entry.target_kind.as_bytes(),
            entry.target_id.as_bytes(),
            entry.outcome.as_bytes(),
            entry.entry.as_bytes(),
        ];
        for field in fields {
            hash.update(&length(field));
            hash.update(field);
        }
        hash.update(&prev.0);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        Self(bytes)
    }
}

/// Fields with their lengths in front, so that no two lists of fields have the same bytes.
pub(super) fn bytes_of(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|field| length(field).into_iter().chain(field.iter().copied())).collect()
}

/// No field comes near the limit: rows and lines are bounded far below it.
fn length(field: &[u8]) -> [u8; 4] {
    u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes()
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        unhex(text).map(Self).ok_or(InvalidHash)
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, InvalidHash> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// A text is no [`struct@Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits")]
pub struct InvalidHash;

/// So many bytes from twice as many hexadecimal digits.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use saas_core::{TenantId, audit::AuditId};
    use uuid::Uuid;

    fn entry() -> StoredEntry {
        StoredEntry {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            id: AuditId::from_uuid(Uuid::from_u128(2)),
            occurred_at: Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap(),
            actor: "user:3".to_owned(),
            action: "member.create".to_owned(),
            target_kind: "member".to_owned(),
            target_id: "42".to_owned(),
            outcome: "success".to_owned(),
            entry: "{}".to_owned(),
        }
    }

    fn hash(entry: &StoredEntry) -> Hash {
        let at = Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 1).unwrap();
        Hash::of_entry(entry, 1, at, Hash::ZERO)
    }

    #[test]
    fn the_form_never_changes() {
        assert_eq!(
            hash(&entry()).to_string(),
            "82edf9d3073e79c144cad0ee07cd2897935893060e676846808bf08a3cf880f0"
        );
    }

    #[test]
    fn every_field_counts_and_none_can_lend_to_its_neighbour() {
        let one = entry();
        let others = [
            StoredEntry { tenant: TenantId::from_uuid(Uuid::from_u128(9)), ..one.clone() },
            StoredEntry { id: AuditId::from_uuid(Uuid::from_u128(9)), ..one.clone() },
            StoredEntry {
                occurred_at: one.occurred_at + chrono::TimeDelta::microseconds(1),
                ..one.clone()
            },
            StoredEntry { actor: "user:4".to_owned(), ..one.clone() },
            StoredEntry {
                action: "member.creat".to_owned(),
                target_kind: "emember".to_owned(),
                ..one.clone()
            },
            StoredEntry {
                target_kind: "member4".to_owned(),
                target_id: "2".to_owned(),
                ..one.clone()
            },
            StoredEntry { outcome: "refused".to_owned(), ..one.clone() },
            StoredEntry { entry: "{ }".to_owned(), ..one.clone() },
        ];
        for other in others {
            assert_ne!(hash(&other), hash(&one), "{other:?}");
        }
    }

    #[test]
    fn a_hash_reads_back_from_its_text() {
        let one = hash(&entry());
        assert_eq!(one.to_string().parse(), Ok(one));
        for text in ["", "0", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(text.parse::<Hash>(), Err(InvalidHash), "{text}");
        }
    }
}
