//! Entries as lines of CSV that a spreadsheet program does not take for formulas.

use super::{AuditError, rows::SealedEntry};

/// The names of the columns.
pub(super) const HEAD: &str = "number,id,occurred_at,actor,action,target_kind,target_id,outcome,\
    reason,request,address,user_agent,before,after\r\n";

/// One entry.
pub(super) fn line(entry: &SealedEntry) -> Result<String, AuditError> {
    let stored = &entry.stored;
    let read = stored.read()?;
    let json = |value: Option<&serde_json::Value>| value.map(ToString::to_string);
    let cells = [
        entry.seq.to_string(),
        stored.id.to_string(),
        stored.occurred_at.to_rfc3339(),
        stored.actor.clone(),
        stored.action.clone(),
        stored.target_kind.clone(),
        stored.target_id.clone(),
        stored.outcome.clone(),
        read.reason.unwrap_or_default(),
        read.request.to_string(),
        read.client.address.map(|address| address.to_string()).unwrap_or_default(),
        read.client.user_agent.unwrap_or_default(),
        json(read.changes.before()).unwrap_or_default(),
        json(read.changes.after()).unwrap_or_default(),
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    Ok(cells.join(",") + "\r\n")
}

/// A cell in quotes (RFC 4180). What starts a formula gets an apostrophe in front, and so does what
/// looks as if it had got one. Exports are not read back, so nothing undoes it.
fn cell(text: &str) -> String {
    let is_formula =
        text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_starts_no_formula_and_ends_where_it_ends() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("'@a"), "\"''@a\"");
        assert_eq!(cell("a\",\"b"), "\"a\"\",\"\"b\"");
        assert_eq!(cell("Ann"), "\"Ann\"");
    }
}
