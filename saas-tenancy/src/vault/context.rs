//! What a sealed value is bound to, as bytes that have one reading only.

use saas_core::TenantId;
use uuid::Uuid;

use super::key::{KeyId, KeyOwner, Purpose};

/// A column of a tenant's table, for [blind indexes](super::Vault::blind_index).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column {
    table: &'static str,
    name: &'static str,
}

impl Column {
    /// The column `name` of `table`. Both become part of every value: a column that is renamed in
    /// the database keeps its old names here.
    #[must_use]
    pub const fn new(table: &'static str, name: &'static str) -> Self {
        Self { table, name }
    }

    /// The field of this column in one row.
    #[must_use]
    pub const fn in_row(self, row: Uuid) -> Field {
        Field { column: self, row }
    }

    /// What the key of the column's index is derived with.
    pub(super) fn index_info(self, tenant: TenantId) -> Vec<u8> {
        canonical(&[
            b"saas-vault index 1",
            tenant.as_uuid().as_bytes(),
            self.table.as_bytes(),
            self.name.as_bytes(),
        ])
    }

    /// The name of the work on the whole column.
    #[cfg(feature = "postgres")]
    pub(super) fn job(self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

/// One field of one row: where a sealed value stands, and the only place where it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field {
    column: Column,
    row: Uuid,
}

impl Field {
    /// The field `column` of the row `row` of `table`. The row's id must not change.
    #[must_use]
    pub const fn new(table: &'static str, column: &'static str, row: Uuid) -> Self {
        Column::new(table, column).in_row(row)
    }
}

/// Where a value is sealed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// In a tenant's row.
    Field(TenantId, Field),
    /// In a system's setting that is called like this.
    System(&'a str),
}

impl Place<'_> {
    pub(super) const fn owner(&self) -> KeyOwner {
        match self {
            Self::Field(tenant, _) => KeyOwner::Tenant(*tenant),
            Self::System(_) => KeyOwner::System,
        }
    }

    /// What the seal covers besides the value.
    pub(super) fn associated_data(&self, key: KeyId) -> Vec<u8> {
        let key = key.as_uuid();
        match self {
            Self::Field(tenant, Field { column, row }) => canonical(&[
                b"saas-vault field 1",
                tenant.as_uuid().as_bytes(),
                column.table.as_bytes(),
                column.name.as_bytes(),
                row.as_bytes(),
                key.as_bytes(),
            ]),
            Self::System(name) => {
                canonical(&[b"saas-vault system 1", name.as_bytes(), key.as_bytes()])
            }
        }
    }
}

/// What a data key is bound to when it is wrapped, so that it serves nobody else.
pub(super) fn of_key(owner: KeyOwner, purpose: Purpose, id: KeyId) -> Vec<u8> {
    canonical(&[
        b"saas-vault key 1",
        owner.as_uuid().as_bytes(),
        purpose.as_str().as_bytes(),
        id.as_uuid().as_bytes(),
    ])
}

/// The parts, each behind its length in four bytes, so that no two lists read the same.
fn canonical(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let length = u32::try_from(part.len()).expect("names and ids are short");
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_read_the_same_in_a_row_stay_apart() {
        assert_ne!(canonical(&[b"ab", b"c"]), canonical(&[b"a", b"bc"]));
        assert_ne!(canonical(&[b"ab"]), canonical(&[b"ab", b""]));
        assert_eq!(canonical(&[b"ab"]), [0, 0, 0, 2, b'a', b'b']);
    }
}
