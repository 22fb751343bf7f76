use csv::{ByteRecord, ReaderBuilder};
use saas_core::problem::FieldError;

use super::RowFault;
use crate::{
    input::Invalid,
    members::{Email, MemberStatus, PersonName, csv_cell::restore, export::HEADER},
};

/// A file that was read: the rows that are right in themselves, and what is wrong with the others.
#[derive(Debug)]
pub struct ImportFile {
    pub(super) rows: Vec<Row>,
    pub(super) total: usize,
    pub(super) faults: Vec<RowFault>,
}

/// A row that is right in itself.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) line: u64,
    pub(super) first_name: PersonName,
    pub(super) last_name: PersonName,
    pub(super) email: Email,
    pub(super) status: MemberStatus,
    pub(super) membership_type: String,
}

impl ImportFile {
    /// How large a file may be, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;

    /// How many rows a file may have.
    pub const MAX_ROWS: usize = 100_000;

    /// Reads a file. See the [module docs](super) for its form.
    ///
    /// # Errors
    /// What makes the file useless as a whole: a column that is missing, unknown or doubled, or
    /// more than [`MAX_ROWS`](Self::MAX_ROWS) rows.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<FieldError>> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut record = ByteRecord::new();
        let mut next = |record: &mut ByteRecord| {
            reader.read_byte_record(record).map_err(|_| vec![whole("unreadable", "cannot be read")])
        };
        if !next(&mut record)? {
            return Err(vec![whole("empty", "has no rows; the first one names the columns")]);
        }
        let columns = Columns::of(&record)?;
        let mut file = Self { rows: Vec::new(), total: 0, faults: Vec::new() };
        while next(&mut record)? {
            file.total += 1;
            if file.total > Self::MAX_ROWS {
                return Err(vec![whole("too_many_rows", "must have at most 100000 rows")]);
            }
            file.add(&columns, &record, line_of(&record, bytes));
        }
        Ok(file)
    }

    fn add(&mut self, columns: &Columns, record: &ByteRecord, line: u64) {
        let number = self.total + 1;
        if record.len() != columns.width {
            let (is, should) = (record.len(), columns.width);
            let detail = format!("has {is} cells, but the header has {should}");
            let fault = Invalid::new("wrong_column_count", detail);
            self.faults.push(RowFault::new(number, line, "row", fault));
            return;
        }
        let mut faulty = Faulty { number, line, faults: &mut self.faults };
        let first_name = faulty.check("first_name", columns.first_name, record, PersonName::parse);
        let last_name = faulty.check("last_name", columns.last_name, record, PersonName::parse);
        let email = faulty.check("email", columns.email, record, Email::parse);
        let status = match columns.status {
            Some(at) => faulty.check("status", at, record, status),
            None => Some(MemberStatus::default()),
        };
        let membership_type =
            faulty.check("membership_type", columns.membership_type, record, type_name);
        if let (
            Some(first_name),
            Some(last_name),
            Some(email),
            Some(status),
            Some(membership_type),
        ) = (first_name, last_name, email, status, membership_type)
        {
            self.rows.push(Row {
                number,
                line,
                first_name,
                last_name,
                email,
                status,
                membership_type,
            });
        }
    }
}

/// The line on which a record starts. The reader counts the empty lines in front of a record as
/// part of it.
fn line_of(record: &ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(bytes.len());
    let rest = bytes.get(start..).unwrap_or_default().iter();
    let empty = rest.take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|b| **b == b'\n');
    position.line() + empty.map(|_| 1).sum::<u64>()
}

/// Where a row's faults go.
struct Faulty<'f> {
    number: usize,
    line: u64,
    faults: &'f mut Vec<RowFault>,
}

impl Faulty<'_> {
    /// The value of the cell number `at`, or `None` and a fault.
    fn check<T>(
        &mut self,
        field: &'static str,
        at: usize,
        record: &ByteRecord,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let cell = std::str::from_utf8(record.get(at).unwrap_or_default())
            .map_err(|_| Invalid::new("invalid_utf8", "must be UTF-8"));
        cell.and_then(|cell| parse(restore(cell)))
            .map_err(|fault| self.faults.push(RowFault::new(self.number, self.line, field, fault)))
            .ok()
    }
}

fn status(cell: &str) -> Result<MemberStatus, Invalid> {
    match cell.trim() {
        "" => Ok(MemberStatus::default()),
        name => name.to_ascii_lowercase().parse(),
    }
}

fn type_name(cell: &str) -> Result<String, Invalid> {
    crate::input::line(cell, PersonName::MAX_CHARS).map(str::to_owned)
}

/// Which column is where.
struct Columns {
    width: usize,
    first_name: usize,
    last_name: usize,
    email: usize,
    status: Option<usize>,
    membership_type: usize,
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, Vec<FieldError>> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .collect();
        let mut faults = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !HEADER.contains(&name.as_str()) {
                let known = HEADER.join("`, `");
                let detail = format!("column {} is not one of `{known}`", at + 1);
                faults.push(FieldError::new("file", "unknown_column", detail));
            } else if names[..at].contains(name) {
                let detail = format!("column {} has the name of another one", at + 1);
                faults.push(FieldError::new(name.clone(), "duplicate_column", detail));
            }
            // A file without a header can have any number of cells in its first row.
            if faults.len() > HEADER.len() {
                return Err(faults);
            }
        }
        let mut at = |name: &'static str| {
            let found = names.iter().position(|one| one == name);
            if found.is_none() {
                faults.push(FieldError::new(name, "missing_column", "the file needs this column"));
            }
            found.unwrap_or_default()
        };
        let columns = Self {
            width: names.len(),
            first_name: at("first_name"),
            last_name: at("last_name"),
            email: at("email"),
            status: names.iter().position(|one| one == "status"),
            membership_type: at("membership_type"),
        };
        if faults.is_empty() { Ok(columns) } else { Err(faults) }
    }
}

fn whole(code: &'static str, detail: &'static str) -> FieldError {
    FieldError::new("file", code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::export::write_row;
    use proptest::prelude::*;

    const HEAD: &str = "first_name,last_name,email,status,membership_type";

    fn parse(rows: &str) -> ImportFile {
        ImportFile::parse(format!("{HEAD}\n{rows}").as_bytes()).unwrap()
    }

    fn faults(rows: &str) -> Vec<(usize, &'static str, &'static str)> {
        let faults = parse(rows).faults;
        faults.iter().map(|fault| (fault.row, fault.field, fault.code)).collect()
    }

    #[test]
    fn a_row_becomes_a_member() {
        let file = parse("Zoë,O'Brien,zoe@example.com,pending,Gold\n");
        let [row] = file.rows.as_slice() else { panic!("one row: {file:?}") };
        assert_eq!((row.number, row.line), (2, 2));
        assert_eq!(row.first_name.as_str(), "Zoë");
        assert_eq!(row.status, MemberStatus::Pending);
        assert_eq!(row.membership_type, "Gold");
    }

    #[test]
    fn columns_may_come_in_any_order_and_without_status() {
        let text =
            "\u{feff}Email , membership_type,last_name,first_name\r\nA@B.example,Gold,B,A\r\n";
        let file = ImportFile::parse(text.as_bytes()).unwrap();
        assert!(file.faults.is_empty());
        assert_eq!(file.rows[0].email.as_str(), "A@B.example");
        assert_eq!(file.rows[0].status, MemberStatus::Active);
    }

    #[test]
    fn faults_name_row_and_column() {
        assert_eq!(
            faults(
                "A,B,a@b.example,active,Gold\n\
                 ,B,nonsense,active,Gold\n\
                 A,B\n\
                 A,B,c@b.example,asleep,\n"
            ),
            [
                (3, "first_name", "required"),
                (3, "email", "invalid_email"),
                (4, "row", "wrong_column_count"),
                (5, "status", "invalid_status"),
                (5, "membership_type", "required"),
            ]
        );
    }

    #[test]
    fn quoted_line_breaks_and_empty_lines_move_the_line_but_not_the_row() {
        let file = parse("\"A\nA\",B,a@b.example,,Gold\n\n,B,b@b.example,,Gold\n");
        let places: Vec<_> = file.faults.iter().map(|fault| (fault.row, fault.line)).collect();
        assert_eq!(places, [(2, 2), (3, 5)]);
    }

    #[test]
    fn a_row_that_is_not_utf8_is_a_fault_and_the_next_one_is_read() {
        let mut bytes = format!("{HEAD}\n").into_bytes();
        bytes.extend(b"\xff\xfe,B,a@b.example,,Gold\nA,B,b@b.example,,Gold\n");
        let file = ImportFile::parse(&bytes).unwrap();
        assert_eq!((file.faults[0].code, file.rows.len()), ("invalid_utf8", 1));
    }

    #[test]
    fn a_file_without_the_columns_is_refused_as_a_whole() {
        let code = |text: &str| ImportFile::parse(text.as_bytes()).unwrap_err()[0].code.clone();
        assert_eq!(code(""), "empty");
        assert_eq!(code("first_name,last_name,email\n"), "missing_column");
        assert_eq!(code(&format!("{HEAD},tenant_id\n")), "unknown_column");
        assert_eq!(code(&format!("{HEAD},email\n")), "duplicate_column");
    }

    #[test]
    fn too_many_rows_are_refused() {
        let text = format!("{HEAD}\n{}", "a\n".repeat(ImportFile::MAX_ROWS + 1));
        let fault = ImportFile::parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault[0].code, "too_many_rows");
    }

    proptest! {
        #[test]
        fn what_is_exported_is_imported_unchanged(
            first in "['=+@\",;-]{0,3}[\\PC&&[^\u{202A}-\u{202E}\u{2066}-\u{2069}\u{feff}]]{1,20}",
            last in "['=+@-]{0,3}[a-zé李\"', ]{0,20}x",
            status in prop::sample::select(MemberStatus::ALL.to_vec()),
        ) {
            let first = first.trim();
            prop_assume!(PersonName::parse(first).is_ok());
            let last = last.trim();
            let mut bytes = Vec::new();
            write_row(&mut bytes, HEADER);
            let cells = [first, last, "a@b.example", status.as_str(), "=Gold", "id", "-1", ""];
            write_row(&mut bytes, cells);
            let file = ImportFile::parse(&bytes).unwrap();
            prop_assert!(file.faults.is_empty(), "{:?}", file.faults);
            let row = &file.rows[0];
            prop_assert_eq!(row.first_name.as_str(), first);
            prop_assert_eq!(row.last_name.as_str(), last);
            prop_assert_eq!(row.status, status);
            prop_assert_eq!(row.membership_type.as_str(), "=Gold");
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut file = format!("{HEAD}\n").into_bytes();
            file.extend(bytes);
            drop(ImportFile::parse(&file));
        }
    }
}
