//! All members that match, as CSV, piece by piece.
//!
//! Each piece is a transaction of its own, so that a slow reader holds no connection, and memory
//! stays flat whatever the number of members. The pieces follow the ids: whoever is a member all
//! the while is in the file exactly once.

use chrono::{DateTime, SecondsFormat, Utc};
use saas_tenancy::db::TenantTx;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{
    Member, MemberFilter,
    conditions::{Conditions, bind},
    csv_cell::protect,
    error::MemberError,
    member::COLUMNS,
};

/// How many members a piece has.
const PIECE: usize = 2_000;

/// The columns of the file. The first five are those that an import reads.
pub(super) const HEADER: [&str; 8] = [
    "first_name",
    "last_name",
    "email",
    "status",
    "membership_type",
    "id",
    "created_at",
    "last_activity_at",
];

/// An export under way.
#[derive(Debug)]
pub struct Export {
    filter: MemberFilter,
    place: Place,
}

/// How far an export has come.
#[derive(Debug)]
enum Place {
    Start,
    /// Behind this member.
    After(Uuid),
    /// At these members, which a search found when the export began: to search again for each
    /// piece would cost as much as all pieces.
    Found(std::vec::IntoIter<Uuid>),
    End,
}

impl Export {
    /// An export of the members that match `filter`.
    #[must_use]
    pub const fn new(filter: MemberFilter) -> Self {
        Self { filter, place: Place::Start }
    }

    /// The next piece of the file, or `None` at its end. The first one starts with the header.
    ///
    /// # Errors
    /// [`MemberError::Database`] if a statement fails.
    pub async fn next(&mut self, tx: &mut TenantTx<'_>) -> Result<Option<Vec<u8>>, MemberError> {
        let mut file = Vec::new();
        if matches!(self.place, Place::Start) {
            write_row(&mut file, HEADER);
            self.place = self.first_place(tx).await?;
        }
        let members = self.members(tx).await?;
        for member in &members {
            write_member(&mut file, member);
        }
        Ok(if file.is_empty() { None } else { Some(file) })
    }

    async fn first_place(&self, tx: &mut TenantTx<'_>) -> Result<Place, MemberError> {
        let conditions = Conditions::of(&self.filter);
        if !conditions.need_search() {
            return Ok(Place::After(Uuid::nil()));
        }
        let query = sqlx::query(AssertSqlSafe(found(conditions)));
        let rows = bind(query, &self.filter).fetch_all(&mut *tx).await?;
        let ids: Result<Vec<Uuid>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(Place::Found(ids?.into_iter()))
    }

    async fn members(&mut self, tx: &mut TenantTx<'_>) -> Result<Vec<Member>, MemberError> {
        let rows = match &mut self.place {
            Place::Start | Place::End => return Ok(Vec::new()),
            Place::After(id) => {
                let sql = after(Conditions::of(&self.filter));
                let query = sqlx::query(AssertSqlSafe(sql)).bind(*id);
                bind(query, &self.filter).fetch_all(&mut *tx).await?
            }
            Place::Found(ids) => {
                let piece: Vec<Uuid> = ids.by_ref().take(PIECE).collect();
                sqlx::query(AssertSqlSafe(these())).bind(piece).fetch_all(&mut *tx).await?
            }
        };
        let members: Result<Vec<_>, _> = rows.iter().map(|row| Member::from_row(row, 0)).collect();
        let members = members?;
        if let Place::After(id) = &mut self.place {
            match members.last() {
                Some(last) => *id = last.id.as_uuid(),
                None => self.place = Place::End,
            }
        }
        Ok(members)
    }
}

fn after(conditions: Conditions) -> String {
    let filter = conditions.and_clause(2);
    format!(
        "select {COLUMNS}
         from (select id, first_name, last_name, email, status, membership_type_id, created_at,
                   updated_at, last_activity_at, version
               from members where id > $1{filter} order by id limit {PIECE}) m
         join membership_types t on t.id = m.membership_type_id
         order by m.id"
    )
}

fn found(conditions: Conditions) -> String {
    format!("select id from {} order by id", conditions.rows(1))
}

fn these() -> String {
    format!(
        "select {COLUMNS} from members m
         join membership_types t on t.id = m.membership_type_id
         where m.id = any($1) order by m.id"
    )
}

fn write_member(file: &mut Vec<u8>, member: &Member) {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    write_row(
        file,
        [
            &member.first_name,
            &member.last_name,
            &member.email,
            member.status.as_str(),
            &member.membership_type.name,
            &member.id.to_string(),
            &time(member.created_at),
            &member.last_activity_at.map(time).unwrap_or_default(),
        ],
    );
}

/// Adds a row to a file of comma-separated values.
pub(super) fn write_row<'a>(file: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a str>) {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .buffer_capacity(512)
        .from_writer(file);
    for cell in cells {
        // Neither a growing vector nor a row of any width can fail.
        writer.write_field(&*protect(cell)).expect("a vector takes every byte");
    }
    writer.write_record(None::<&[u8]>).expect("a vector takes every byte");
}

/// Every text of this module.
pub(super) fn statements() -> Vec<String> {
    let searches = Conditions::all().into_iter().filter(|one| one.need_search()).map(found);
    let others = Conditions::all().into_iter().filter(|one| !one.need_search()).map(after);
    searches.chain(others).chain([these()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_made_harmless() {
        let mut file = Vec::new();
        write_row(&mut file, ["a,b", "say \"hi\"", "=1+1", "two\nlines", "李"]);
        let text = String::from_utf8(file).unwrap();
        assert_eq!(text, "\"a,b\",\"say \"\"hi\"\"\",'=1+1,\"two\nlines\",李\r\n");
    }
}
