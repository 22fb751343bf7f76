use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use saas_core::{Actor, AuditEntry, audit::Outcome};
use sqlx::Row;
use uuid::Uuid;

use super::{AuditError, AuditLog, rows::actor_key};
use crate::db::TenantDb;

/// The most entries of one page, whatever is asked for.
pub const LONGEST_PAGE: u32 = 200;

/// Which entries are listed. Empty, it lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Filter {
    actor: Option<String>,
    action: Option<String>,
    target_kind: Option<String>,
    target_id: Option<String>,
    outcome: Option<&'static str>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Filter {
    /// Lets all entries through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only what this actor did.
    pub fn by_actor(self, actor: &Actor) -> Self {
        Self { actor: Some(actor_key(actor)), ..self }
    }

    /// Only actions that begin so: `member` and `member.create` both find `member.create`.
    pub fn of_action(self, prefix: impl Into<String>) -> Self {
        Self { action: Some(prefix.into()), ..self }
    }

    /// Only what was done to things of this kind.
    pub fn on_kind(self, kind: impl Into<String>) -> Self {
        Self { target_kind: Some(kind.into()), ..self }
    }

    /// Only what was done to the thing with this id.
    pub fn on_id(self, id: impl Into<String>) -> Self {
        Self { target_id: Some(id.into()), ..self }
    }

    /// Only what ended so.
    pub const fn ended(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome.as_str());
        self
    }

    /// Not before this moment.
    pub const fn since(mut self, from: DateTime<Utc>) -> Self {
        self.from = Some(from);
        self
    }

    /// Before this moment.
    pub const fn until(mut self, to: DateTime<Utc>) -> Self {
        self.to = Some(to);
        self
    }
}

/// Where the next page begins. Its text means nothing to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    occurred_at: DateTime<Utc>,
    id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.occurred_at.timestamp_micros().to_be_bytes();
        f.write_str(&URL_SAFE_NO_PAD.encode([&micros[..], self.id.as_bytes()].concat()))
    }
}

impl FromStr for Cursor {
    type Err = AuditError;

    fn from_str(text: &str) -> Result<Self, AuditError> {
        // Its length is looked at first: a client may send any.
        let bytes = if text.len() <= 40 { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        let bytes: [u8; 24] =
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(AuditError::BadCursor)?;
        let (micros, id) = bytes.split_at(8);
        let micros = micros.try_into().map_err(|_| AuditError::BadCursor)?;
        let occurred_at = DateTime::from_timestamp_micros(i64::from_be_bytes(micros));
        // What PostgreSQL can compare with.
        let occurred_at = occurred_at
            .filter(|at| (1900..=9999).contains(&chrono::Datelike::year(at)))
            .ok_or(AuditError::BadCursor)?;
        Ok(Self { occurred_at, id: Uuid::from_slice(id).map_err(|_| AuditError::BadCursor)? })
    }
}

/// Some entries, newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; `None` at the end of the log.
    pub next: Option<Cursor>,
}

impl AuditLog {
    /// A page of a tenant's log, newest first, behind `after`. What was committed before, in either
    /// plane, is in it, sealed or not. At most [`LONGEST_PAGE`] entries, at least one.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when a database fails, [`AuditError::Damaged`] when an entry cannot
    /// be read.
    pub async fn list(
        &self,
        db: &mut TenantDb,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page, AuditError> {
        self.relay(db).await?;
        let limit = limit.clamp(1, LONGEST_PAGE);
        let mut rows = select(db, filter, after, i64::from(limit) + 1).await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| has_more).map(|(cursor, _)| *cursor);
        let read = |(cursor, json): (Cursor, String)| {
            serde_json::from_str(&json).map_err(|_| AuditError::Damaged(cursor.id))
        };
        Ok(Page { entries: rows.into_iter().map(read).collect::<Result<_, _>>()?, next })
    }
}

async fn select(
    db: &mut TenantDb,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<(Cursor, String)>, AuditError> {
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    // The first condition on the time is one that the index can use, behind the policy too.
    let rows = sqlx::query(
        "select occurred_at, id, entry from saas_audit
         where tenant_id = $1
           and occurred_at <= coalesce($2, 'infinity') and (occurred_at < $2 or id < $3) is not false
           and occurred_at >= coalesce($4, '-infinity') and occurred_at < coalesce($5, 'infinity')
           and ($6::text is null or actor = $6)
           and ($7::text is null or starts_with(action, $7))
           and ($8::text is null or target_kind = $8)
           and ($9::text is null or target_id = $9)
           and ($10::text is null or outcome = $10)
         order by occurred_at desc, id desc limit $11",
    )
    .bind(tenant.as_uuid())
    .bind(after.map(|after| after.occurred_at))
    .bind(after.map(|after| after.id))
    .bind(filter.from)
    .bind(filter.to)
    .bind(filter.actor.as_deref())
    .bind(filter.action.as_deref())
    .bind(filter.target_kind.as_deref())
    .bind(filter.target_id.as_deref())
    .bind(filter.outcome)
    .bind(limit)
    .fetch_all(&mut tx)
    .await?;
    let read = |row: &sqlx::postgres::PgRow| -> Result<_, sqlx::Error> {
        let cursor = Cursor { occurred_at: row.try_get(0)?, id: row.try_get(1)? };
        Ok((cursor, row.try_get(2)?))
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_its_text_and_from_no_other() {
        let occurred_at = DateTime::from_timestamp_micros(1_763_715_600_000_001).unwrap();
        let cursor = Cursor { occurred_at, id: Uuid::from_u128(42) };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        let far = URL_SAFE_NO_PAD.encode([[0x7f; 8].as_slice(), &[0; 16]].concat());
        for text in ["", "a", "=", &"A".repeat(33), &"A".repeat(1000), &far] {
            assert!(matches!(text.parse::<Cursor>(), Err(AuditError::BadCursor)), "{text}");
        }
    }
}
