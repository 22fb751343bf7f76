//! The audit log of each tenant: written with the change, only ever added to, and provably whole.
//!
//! # Rules
//! 1. The log lives in the tenant's home, beside its data. [`append`] writes an entry in the same
//!    [`TenantTx`](crate::db::TenantTx) as the change: both are committed or neither is.
//! 2. A change of the control plane writes its entry there, with [`append_pending`]. It is relayed
//!    into the tenant's home, once; reading the log relays first.
//! 3. What is refused has no transaction of its own that stays. [`AuditLog::refused`] opens one.
//! 4. The tenant's role may add entries and read them. Triggers that fire in every session refuse
//!    changes, removals and `truncate`, on each partition; no role may read a partition by itself.
//!    Which transaction wrote an entry is set by a trigger, whatever the writer says.
//! 5. Entries are chained by a [`Sealer`], in the order of their transactions: each gets a number
//!    without gaps and a SHA-256 over its bytes and the hash before it (see [`Hash::of_entry`]). An
//!    entry is never changed for it; numbers and hashes stand in a table of their own.
//! 6. A chain that is rewritten, or cut at its end, is whole in itself. So its end is signed from time to
//!    time, with a key that the database never sees, and kept elsewhere: see [`checkpoint`].
//! 7. [`AuditLog::verify`] names the first entry that is wrong. [`verify_export`] does the same with a
//!    file and a public key, without any database.
//! 8. What leaves the log by retention was exported and signed before: see [`AuditLog::expire`].
//!
//! ```
//! use saas_core::{AuditEntry, Clock, audit::{Action, Changes, Target}};
//! use saas_tenancy::{audit::{self, AuditError}, db::TenantDb};
//! use serde_json::json;
//!
//! const RENAMED: Action = Action::literal("member.rename");
//!
//! async fn rename(db: &mut TenantDb, id: &str, name: &str, clock: &Clock) -> Result<(), AuditError> {
//!     let mut tx = db.begin().await?;
//!     // … the change itself, on `tx` …
//!     let entry = AuditEntry::new(tx.scope(), RENAMED, Target::new("member", id), clock)
//!         .with_changes(Changes::created(&json!({ "name": name })));
//!     audit::append(&mut tx, &entry).await?;
//!     Ok(tx.commit().await?)
//! }
//! ```
//!
//! # What it does not show
//! Who can write the table as an administrator can add an entry *now* that says something untrue: it gets
//! the next number and the time of its sealing. What was there before cannot be changed unseen.
//! Entries after the last checkpoint can be cut off unseen.
//!
//! # Deployment caveat
//! Seal a tenant's log before its home is copied to another server, and copy seals after entries.

mod append;
mod canonical;
mod chain;
pub mod checkpoint;
mod csv;
mod error;
mod export;
mod key;
mod list;
mod log;
mod offline;
mod relay;
mod retention;
mod rows;
mod seal;
mod sealer;
pub mod sink;
mod verify;

pub use append::{append, append_pending};
pub use canonical::{Hash, InvalidHash};
pub use chain::{Bad, Verdict, Why};
pub use error::AuditError;
pub use export::{Exported, Format, Range};
pub use key::{CheckpointKey, PublicKey};
pub use list::{Cursor, Filter, LONGEST_PAGE, Page};
pub use log::AuditLog;
pub use offline::verify_export;
pub use retention::Expiry;
pub use rows::{SealedEntry, StoredEntry};
pub use seal::Sealed;
pub use sealer::{Sealer, SealerOptions};
pub use sink::AuditSink;
