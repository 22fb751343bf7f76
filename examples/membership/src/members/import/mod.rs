//! Members from a file of comma-separated values.
//!
//! 1. The first row names the columns, in any order: `first_name`, `last_name`, `email` and
//!    `membership_type`, by its name; `status` may be left out and is then `active`. The columns
//!    that an export adds are skipped, unknown ones are refused.
//! 2. Rows are numbered as a spreadsheet shows them: the header is row 1. Empty lines do not count.
//! 3. A row that is wrong is told with everything that is wrong with it. The first row of an
//!    address wins; a later one is a fault, and so is an address that a member has already.
//! 4. The file is UTF-8, with or without a byte order mark; lines end in CRLF or LF, and cells may
//!    be quoted. What an export made harmless is turned back.

mod insert;
mod parse;

pub use insert::insert;
pub use parse::ImportFile;

use std::{borrow::Cow, collections::HashMap};

use saas_core::Clock;
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantTx;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MemberId, NewMember, error::MemberError};
use crate::{access::perm::members::Import, input::Invalid, membership_types};
use parse::Row;

/// What happens to the good rows of a file with bad ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ImportMode {
    /// Nothing is imported.
    #[default]
    All,
    /// They are imported.
    Partial,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportReport {
    /// How many members were made.
    pub imported: usize,
    /// How many rows were not imported.
    pub skipped: usize,
    /// What was wrong, by row.
    pub errors: Vec<RowFault>,
}

/// What is wrong with one cell of a row, or with the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowFault {
    /// The row, as a spreadsheet counts: the header is row 1.
    pub row: usize,
    /// The line of the file on which the row starts; the first line is 1.
    pub line: u64,
    /// The column, or `row` if the row as a whole is wrong.
    pub field: &'static str,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    #[schema(value_type = String)]
    pub detail: Cow<'static, str>,
}

impl RowFault {
    fn new(row: usize, line: u64, field: &'static str, fault: Invalid) -> Self {
        Self { row, line, field, code: fault.code, detail: fault.detail }
    }
}

/// Inserts the rows of `file` and reports on all of them.
///
/// Nothing may be committed unless the report says that something was imported.
///
/// # Errors
/// [`MemberError::Database`] if a statement fails, [`MemberError::UnknownMembershipType`] if a type
/// is deleted at the same moment.
pub async fn import(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Import>,
    file: ImportFile,
    mode: ImportMode,
    clock: &Clock,
) -> Result<ImportReport, MemberError> {
    let ImportFile { rows, total, mut faults } = file;
    let mut planned = plan(tx, rows, clock, &mut faults).await?;
    // In the order of their addresses, so that two imports of the same people wait for each other
    // instead of deadlocking.
    planned.sort_by_cached_key(|one| one.member.email.key());
    let members: Vec<_> = planned.iter().map(|one| &one.member).collect();
    let made = insert(tx, &members).await?;
    for one in planned.iter().filter(|one| !made.contains(&one.member.id)) {
        let fault = Invalid::new("email_taken", "a member with this address exists already");
        faults.push(RowFault::new(one.row, one.line, "email", fault));
    }
    faults.sort_by_key(|fault| fault.row);
    let imported = if mode == ImportMode::All && !faults.is_empty() { 0 } else { made.len() };
    Ok(ImportReport { imported, skipped: total - imported, errors: faults })
}

/// A row that can be inserted.
struct Planned {
    row: usize,
    line: u64,
    member: NewMember,
}

/// Gives the rows their types and ids; rows whose type or address is wrong become faults.
async fn plan(
    tx: &mut TenantTx<'_>,
    rows: Vec<Row>,
    clock: &Clock,
    faults: &mut Vec<RowFault>,
) -> Result<Vec<Planned>, MemberError> {
    let types = membership_types::ids_by_name(tx).await.map_err(MemberError::Database)?;
    let mut first_rows = HashMap::with_capacity(rows.len());
    let mut planned = Vec::with_capacity(rows.len());
    let created_at = clock.now();
    for row in rows {
        let first = *first_rows.entry(row.email.key()).or_insert(row.number);
        let membership_type = types.get(&row.membership_type.to_lowercase());
        if first != row.number {
            let detail = format!("row {first} of this file has the same address");
            let fault = Invalid::new("duplicate_in_file", detail);
            faults.push(RowFault::new(row.number, row.line, "email", fault));
        }
        match membership_type {
            None => {
                let fault = Invalid::new("unknown", "there is no membership type of this name");
                faults.push(RowFault::new(row.number, row.line, "membership_type", fault));
            }
            Some(_) if first != row.number => {}
            Some(&membership_type) => planned.push(Planned {
                row: row.number,
                line: row.line,
                member: NewMember {
                    id: MemberId::generate(clock),
                    first_name: row.first_name,
                    last_name: row.last_name,
                    email: row.email,
                    status: row.status,
                    membership_type,
                    created_at,
                },
            }),
        }
    }
    Ok(planned)
}

/// Every text of this module.
pub(super) fn statements() -> Vec<String> {
    vec![insert::INSERT.to_owned()]
}
