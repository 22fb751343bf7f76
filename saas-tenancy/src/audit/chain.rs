//! Following a chain from number to number, whether it comes from a database or from a file.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{Hash, checkpoint::SignedCheckpoint, key::PublicKey, rows::Link};

/// What a check of a log found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The first entry that is wrong; `None` if everything is as it was written.
    pub first_bad: Option<Bad>,
    /// How many entries were compared with their hashes.
    pub checked: u64,
    /// How many entries are gone by retention; a signature covers that.
    pub expired: u64,
    /// The last number that was signed and found to be as it was signed. What comes behind it
    /// could have been cut off unseen.
    pub through_checkpoint: Option<i64>,
}

impl Verdict {
    /// Whether everything is as it was written.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// An entry that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Its number in the chain.
    pub seq: i64,
    /// Its id, if that is known.
    pub id: Option<Uuid>,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// There is no seal with its number.
    NoSeal,
    /// It was sealed and is gone, or stands at another tenant or another time.
    Missing,
    /// It does not follow the one before it.
    OutOfOrder,
    /// Its content, number or time is not what was sealed.
    Edited,
    /// It fits the chain, and the chain is not the one that was signed.
    Rewritten,
    /// It was signed and the log ends before it.
    CutOff,
    /// It stands between sealed ones and was never sealed.
    Planted,
    /// The signature of its checkpoint is wrong.
    BadSignature,
}

/// A chain that is being followed.
#[derive(Debug)]
pub(super) struct Chain {
    next: i64,
    prev: Hash,
    /// Entries from before this moment may be gone: retention said so, and signed it.
    kept_from: Option<DateTime<Utc>>,
    signed: BTreeMap<i64, Hash>,
    verdict: Verdict,
}

impl Chain {
    /// A chain from its first entry on.
    pub(super) fn whole() -> Self {
        Self::after(0, Hash::ZERO)
    }

    /// A chain behind the entry with this number and hash.
    pub(super) fn after(seq: i64, prev: Hash) -> Self {
        let (next, signed, verdict) = (seq + 1, BTreeMap::new(), Verdict::default());
        Self { next, prev, kept_from: None, signed, verdict }
    }

    /// The number that comes next.
    pub(super) const fn next(&self) -> i64 {
        self.next
    }

    /// Takes a checkpoint into account. It may come before or right behind the entry it signs.
    pub(super) fn expect(&mut self, signed: &SignedCheckpoint, key: &PublicKey) -> Result<(), Bad> {
        let seq = signed.checkpoint.seq;
        let bad = |why| Bad { seq, id: None, why };
        if !signed.is_signed_by(key) {
            return Err(bad(Why::BadSignature));
        }
        self.kept_from = self.kept_from.max(signed.checkpoint.kept_from);
        if seq == self.next - 1 {
            if signed.checkpoint.hash != self.prev {
                return Err(bad(Why::Rewritten));
            }
            self.verdict.through_checkpoint = Some(seq);
        } else if seq >= self.next
            && self
                .signed
                .insert(seq, signed.checkpoint.hash)
                .is_some_and(|other| other != signed.checkpoint.hash)
        {
            return Err(bad(Why::Rewritten));
        }
        Ok(())
    }

    /// Takes the next seal with its entry.
    pub(super) fn follow(&mut self, link: &Link) -> Result<(), Bad> {
        let bad = |why| Bad { seq: link.seq, id: Some(link.entry_id), why };
        if link.seq != self.next {
            return Err(Bad { seq: self.next, id: None, why: Why::NoSeal });
        }
        if link.prev != self.prev {
            return Err(bad(Why::OutOfOrder));
        }
        match &link.stored {
            Some(entry) => {
                let hash = Hash::of_entry(entry, link.seq, link.sealed_at, link.prev);
                if hash != link.hash {
                    return Err(bad(Why::Edited));
                }
                self.verdict.checked += 1;
            }
            None if self.kept_from.is_some_and(|from| link.occurred_at < from) => {
                self.verdict.expired += 1;
            }
            None => return Err(bad(Why::Missing)),
        }
        if let Some(signed) = self.signed.remove(&link.seq) {
            if signed != link.hash {
                return Err(bad(Why::Rewritten));
            }
            self.verdict.through_checkpoint = Some(link.seq);
        }
        self.prev = link.hash;
        self.next += 1;
        Ok(())
    }

    /// The chain has no more seals.
    pub(super) fn end(&self) -> Result<(), Bad> {
        if self.signed.is_empty() {
            return Ok(());
        }
        Err(Bad { seq: self.next, id: None, why: Why::CutOff })
    }

    /// What was found.
    pub(super) fn verdict(self, outcome: Result<(), Bad>) -> Verdict {
        Verdict { first_bad: outcome.err(), ..self.verdict }
    }
}
