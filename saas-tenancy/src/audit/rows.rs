//! Entries as they are stored.

use chrono::{DateTime, Utc};
use saas_core::{Actor, AuditEntry, TenantId, audit::AuditId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use super::{AuditError, Hash};

/// The most bytes of an entry's JSON. The table has the same limit.
const LARGEST: usize = 128 * 1024;

/// An entry as it is stored, and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id.
    pub id: AuditId,
    /// When, to the microsecond.
    pub occurred_at: DateTime<Utc>,
    /// Who acted, as `kind:id`; see [`Filter::by_actor`](super::Filter::by_actor).
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The kind of thing it was done to.
    pub target_kind: String,
    /// Which one.
    pub target_id: String,
    /// How it ended.
    pub outcome: String,
    /// The whole entry as JSON: the very bytes that are hashed.
    pub entry: String,
}

impl StoredEntry {
    pub(super) fn of(entry: &AuditEntry) -> Result<Self, AuditError> {
        let json = serde_json::to_string(entry).map_err(|_| AuditError::TooLarge)?;
        Self::with_json(entry, json)
    }

    /// The entry whose JSON is given, byte for byte.
    pub(super) fn with_json(entry: &AuditEntry, json: String) -> Result<Self, AuditError> {
        if json.len() > LARGEST {
            return Err(AuditError::TooLarge);
        }
        Ok(Self {
            tenant: entry.tenant,
            id: entry.id,
            occurred_at: entry.occurred_at,
            actor: actor_key(&entry.actor),
            action: entry.action.to_string(),
            target_kind: entry.target.kind.clone(),
            target_id: entry.target.id.clone(),
            outcome: entry.outcome.as_str().to_owned(),
            entry: json,
        })
    }

    /// The entry.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] when it cannot be read.
    pub fn read(&self) -> Result<AuditEntry, AuditError> {
        serde_json::from_str(&self.entry).map_err(|_| AuditError::Damaged(self.id.as_uuid()))
    }
}

/// An entry with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// Its number, from 1 and without gaps.
    pub seq: i64,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
    /// The entry.
    #[serde(flatten)]
    pub stored: StoredEntry,
}

/// A seal, and its entry if that is still there.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) seq: i64,
    pub(super) entry_id: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) sealed_at: DateTime<Utc>,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
    pub(super) stored: Option<StoredEntry>,
}

/// Seals behind `$2` up to `$3`, at most `$4`, with their entries.
pub(super) const LINKS: &str = "
    select s.tenant_id, s.seq, s.entry_id, s.occurred_at, s.sealed_at, s.prev, s.hash, e.id,
        e.actor, e.action, e.target_kind, e.target_id, e.outcome, e.entry
    from saas_audit_seals s
    left join saas_audit e
        on e.tenant_id = s.tenant_id and e.occurred_at = s.occurred_at and e.id = s.entry_id
    where s.tenant_id = $1 and s.seq > $2 and s.seq <= $3
    order by s.seq limit $4";

impl Link {
    pub(super) fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let occurred_at = row.try_get("occurred_at")?;
        let tenant = TenantId::from_uuid(row.try_get("tenant_id")?);
        let stored = match row.try_get::<Option<Uuid>, _>("id")? {
            None => None,
            Some(id) => Some(StoredEntry {
                tenant,
                id: AuditId::from_uuid(id),
                occurred_at,
                actor: row.try_get("actor")?,
                action: row.try_get("action")?,
                target_kind: row.try_get("target_kind")?,
                target_id: row.try_get("target_id")?,
                outcome: row.try_get("outcome")?,
                entry: row.try_get("entry")?,
            }),
        };
        Ok(Self {
            seq: row.try_get("seq")?,
            entry_id: row.try_get("entry_id")?,
            occurred_at,
            sealed_at: row.try_get("sealed_at")?,
            prev: hash(row, "prev")?,
            hash: hash(row, "hash")?,
            stored,
        })
    }

    pub(super) fn of(entry: SealedEntry) -> Self {
        let SealedEntry { seq, sealed_at, prev, hash, stored } = entry;
        let (entry_id, occurred_at) = (stored.id.as_uuid(), stored.occurred_at);
        Self { seq, entry_id, occurred_at, sealed_at, prev, hash, stored: Some(stored) }
    }

    /// The entry with its place, unless it is gone.
    pub(super) fn sealed(self) -> Option<SealedEntry> {
        let Self { seq, sealed_at, prev, hash, stored, .. } = self;
        stored.map(|stored| SealedEntry { seq, sealed_at, prev, hash, stored })
    }
}

/// A hash of a wrong length, which only a forger writes, fits no entry.
fn hash(row: &PgRow, column: &str) -> Result<Hash, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Ok(bytes.try_into().map_or(Hash::new([0xff; 32]), Hash::new))
}

/// Who acted, in one text: the kind of actor and its id, or its reason.
pub(super) fn actor_key(actor: &Actor) -> String {
    // By its JSON, so that kinds of actors that come later need no change here.
    let json = serde_json::to_value(actor).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let kind = text("kind").unwrap_or("unknown");
    match text("id").or_else(|| text("reason")) {
        Some(id) => format!("{kind}:{id}").chars().take(250).collect(),
        None => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use saas_core::{Clock, UserId};

    #[test]
    fn an_actor_is_known_by_kind_and_id() {
        let id = UserId::generate(&Clock::system());
        assert_eq!(actor_key(&Actor::User { id }), format!("user:{id}"));
        assert_eq!(actor_key(&Actor::system("import")), "system:import");
        assert_eq!(actor_key(&Actor::Anonymous), "anonymous");
    }
}
