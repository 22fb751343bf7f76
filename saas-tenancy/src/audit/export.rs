use chrono::{DateTime, Utc};
use saas_core::TenantId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use super::{
    AuditError, AuditLog, Hash,
    checkpoint::SignedCheckpoint,
    csv,
    rows::{Link, SealedEntry},
    verify::links,
};
use crate::db::TenantDb;

/// The form of an export in JSON lines.
pub(super) const VERSION: u16 = 1;

/// How many entries are read at once.
const BATCH: i64 = 200;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A JSON object a line: what the export is, its checkpoints, then every entry with its number
    /// and hash. [`verify_export`](super::verify_export) checks it.
    JsonLines,
    /// A table for people, safe to open in a spreadsheet program. It cannot be verified.
    Csv,
}

/// Which entries are exported: from the first to the last one of a span of time, by their numbers.
///
/// Entries of other times that were sealed between those are among them, because a chain has no
/// gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Range {
    /// Not before this moment.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
}

impl Range {
    /// Everything.
    #[must_use]
    pub const fn all() -> Self {
        Self { from: None, to: None }
    }

    /// From the first moment until before the second one.
    #[must_use]
    pub const fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from: Some(from), to: Some(to) }
    }
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// How many entries.
    pub entries: u64,
    /// The number of the last one; 0 if there is none.
    pub last: i64,
}

/// A line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// What this is; the first line.
    Export(Head),
    /// What was signed about the entries that follow, or about the one before them.
    Checkpoint(SignedCheckpoint),
    /// An entry.
    Entry(SealedEntry),
    /// The seal of an entry that is gone by retention.
    Expired(Gone),
}

/// Whose log it is, and where it begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: u16,
    pub(super) tenant: TenantId,
    /// The number before the first entry.
    pub(super) after: i64,
    /// The hash of the entry with that number.
    pub(super) prev: Hash,
}

/// The seal of an entry that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) sealed_at: DateTime<Utc>,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
}

impl From<Gone> for Link {
    fn from(gone: Gone) -> Self {
        let Gone { seq, id, occurred_at, sealed_at, prev, hash } = gone;
        Self { seq, entry_id: id, occurred_at, sealed_at, prev, hash, stored: None }
    }
}

impl AuditLog {
    /// Writes a tenant's sealed entries to `writer`, oldest first, page by page, after sealing what
    /// can be sealed.
    ///
    /// # Errors
    /// [`AuditError::Tenancy`] when a database fails, [`AuditError::Io`] when the writer does or
    /// checkpoints cannot be read. What was written by then is cut off.
    pub async fn export(
        &self,
        db: &mut TenantDb,
        range: Range,
        format: Format,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Exported, AuditError> {
        self.seal_now(db).await?;
        let (first, last) = numbers(db, range).await?;
        let mut exported = Exported { entries: 0, last: 0 };
        let mut after = first - 1;
        match format {
            Format::JsonLines => writer.write_all(&self.head(db, after, last).await?).await?,
            Format::Csv => writer.write_all(csv::HEAD.as_bytes()).await?,
        }
        loop {
            let page = links(db, after, last, BATCH).await?;
            let Some(end) = page.last().map(|link| link.seq) else { break };
            after = end;
            let mut text = Vec::new();
            for link in page {
                exported.entries += u64::from(link.stored.is_some());
                exported.last = link.seq;
                write(&mut text, format, link)?;
            }
            writer.write_all(&text).await?;
        }
        writer.flush().await?;
        Ok(exported)
    }

    /// The first line and the checkpoints.
    async fn head(&self, db: &mut TenantDb, after: i64, last: i64) -> Result<Vec<u8>, AuditError> {
        let tenant = db.scope().tenant();
        let before = links(db, after - 1, after, 1).await?;
        let prev = before.first().map_or(Hash::ZERO, |link| link.hash);
        let mut text = Vec::new();
        line(&mut text, &Line::Export(Head { version: VERSION, tenant, after, prev }))?;
        if let Some(checkpoints) = &self.checkpoints {
            for signed in checkpoints.all(tenant).await? {
                if (after..=last).contains(&signed.checkpoint.seq) {
                    line(&mut text, &Line::Checkpoint(signed))?;
                }
            }
        }
        Ok(text)
    }
}

fn write(text: &mut Vec<u8>, format: Format, link: Link) -> Result<(), AuditError> {
    let gone = Gone {
        seq: link.seq,
        id: link.entry_id,
        occurred_at: link.occurred_at,
        sealed_at: link.sealed_at,
        prev: link.prev,
        hash: link.hash,
    };
    match (format, link.sealed()) {
        (Format::JsonLines, Some(entry)) => line(text, &Line::Entry(entry)),
        (Format::JsonLines, None) => line(text, &Line::Expired(gone)),
        (Format::Csv, Some(entry)) => {
            text.extend_from_slice(csv::line(&entry)?.as_bytes());
            Ok(())
        }
        (Format::Csv, None) => Ok(()),
    }
}

fn line(text: &mut Vec<u8>, line: &Line) -> Result<(), AuditError> {
    serde_json::to_writer(&mut *text, line).map_err(|error| AuditError::Io(error.into()))?;
    text.push(b'\n');
    Ok(())
}

/// The first and the last number of a span of time; an empty one begins behind the last number.
async fn numbers(db: &mut TenantDb, range: Range) -> Result<(i64, i64), AuditError> {
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    let (first, last): (Option<i64>, Option<i64>) = sqlx::query_as(
        "select min(seq), max(seq) from saas_audit_seals
         where tenant_id = $1 and occurred_at >= coalesce($2, '-infinity')
           and occurred_at < coalesce($3, 'infinity')",
    )
    .bind(tenant.as_uuid())
    .bind(range.from)
    .bind(range.to)
    .fetch_one(&mut tx)
    .await?;
    Ok((first.unwrap_or(1), last.unwrap_or(0)))
}
