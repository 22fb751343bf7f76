//! Checking an export without a database.

use std::io::{BufRead, Read};

use super::{
    AuditError,
    chain::{Chain, Verdict},
    export::{Head, Line, VERSION},
    key::PublicKey,
    rows::Link,
};

/// The longest line that is read. An entry and its escapes are shorter.
const LONGEST_LINE: u64 = 1024 * 1024;

/// Checks an export in JSON lines against its checkpoints, with no more than the public key that
/// signed them. Lines are read one by one.
///
/// An export begins where it says it begins: one from the middle of a log shows that nothing is wrong
/// *behind* that point. What comes after [`Verdict::through_checkpoint`] could have been cut off.
///
/// # Errors
/// [`AuditError::Malformed`] when it is no export, [`AuditError::Io`] when it cannot be read. What is
/// wrong with the log is no error: it is in the [`Verdict`].
pub fn verify_export(reader: impl BufRead, key: &PublicKey) -> Result<Verdict, AuditError> {
    let mut lines = Lines { reader, number: 0, text: Vec::new() };
    let Some(Line::Export(head)) = lines.next()? else {
        return Err(lines.malformed("it does not begin with the line `export`"));
    };
    if head.version != VERSION {
        return Err(lines.malformed("its version is not known"));
    }
    let mut chain = begin(&head);
    while let Some(line) = lines.next()? {
        let step = match line {
            Line::Export(_) => return Err(lines.malformed("another export begins here")),
            Line::Checkpoint(signed) if signed.checkpoint.tenant != head.tenant => {
                return Err(lines.malformed("the checkpoint is of another tenant"));
            }
            Line::Checkpoint(signed) => chain.expect(&signed, key),
            Line::Expired(gone) => chain.follow(&Link::from(gone)),
            Line::Entry(entry) if entry.stored.tenant != head.tenant => {
                return Err(lines.malformed("the entry is of another tenant"));
            }
            Line::Entry(entry) => chain.follow(&Link::of(entry)),
        };
        if step.is_err() {
            return Ok(chain.verdict(step));
        }
    }
    let end = chain.end();
    Ok(chain.verdict(end))
}

/// An export of a whole log begins from nothing, whatever it says.
fn begin(head: &Head) -> Chain {
    if head.after == 0 { Chain::whole() } else { Chain::after(head.after, head.prev) }
}

struct Lines<R> {
    reader: R,
    number: u64,
    text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>, AuditError> {
        self.text.clear();
        self.number += 1;
        let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.text)?;
        if read == 0 {
            return Ok(None);
        }
        if self.text.last() != Some(&b'\n') {
            return Err(self.malformed("it is too long or cut off"));
        }
        let line = serde_json::from_slice(&self.text);
        line.map(Some).map_err(|_| self.malformed("it is no line of an export"))
    }

    const fn malformed(&self, what: &'static str) -> AuditError {
        AuditError::Malformed { line: self.number, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{CheckpointKey, Hash, Why, export::Gone};
    use saas_core::TenantId;

    fn line(line: &Line) -> String {
        format!("{}\n", serde_json::to_string(line).unwrap())
    }

    fn head(after: i64) -> Line {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
        Line::Export(Head { version: VERSION, tenant, after, prev: Hash::ZERO })
    }

    #[test]
    fn what_is_no_export_is_said_with_its_line() {
        let key = CheckpointKey::generate().unwrap().public();
        let empty = verify_export(&b""[..], &key).unwrap_err();
        assert!(matches!(empty, AuditError::Malformed { .. }));
        for (text, number) in [
            ("{}\n".to_owned(), 1),
            (line(&head(0)) + "{\"entry\":", 2),
            (line(&head(0)) + &line(&head(0)), 2),
            (line(&head(0)) + &"x".repeat(2_000_000), 2),
        ] {
            let error = verify_export(text.as_bytes(), &key).unwrap_err();
            assert!(
                matches!(error, AuditError::Malformed { line, .. } if line == number),
                "{error}"
            );
        }
    }

    #[test]
    fn an_entry_may_be_gone_only_if_a_signature_says_so() {
        let key = CheckpointKey::generate().unwrap().public();
        let at = chrono::DateTime::UNIX_EPOCH;
        let gone = Gone {
            seq: 1,
            id: uuid::Uuid::from_u128(7),
            occurred_at: at,
            sealed_at: at,
            prev: Hash::ZERO,
            hash: Hash::new([1; 32]),
        };
        let text = line(&head(0)) + &line(&Line::Expired(gone));
        let bad = verify_export(text.as_bytes(), &key).unwrap().first_bad.unwrap();
        assert_eq!((bad.seq, bad.why), (1, Why::Missing));
    }
}
