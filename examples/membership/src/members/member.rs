use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{Row as _, postgres::PgRow};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Email, MemberStatus, PersonName};
use crate::membership_types::MembershipTypeId;

saas_core::id! {
    /// A member of a tenant.
    pub struct MemberId;
}

/// A member as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    /// Its identity.
    #[schema(value_type = Uuid)]
    pub id: MemberId,
    /// The first name.
    #[schema(example = "Zoë")]
    pub first_name: String,
    /// The last name.
    #[schema(example = "O'Brien")]
    pub last_name: String,
    /// The address, unique within the tenant whatever its case.
    #[schema(example = "zoe@example.com")]
    pub email: String,
    /// Where the member stands.
    pub status: MemberStatus,
    /// The tier it belongs to.
    pub membership_type: TypeRef,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// When the person was last seen; null if never.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Grows with every change; also the `ETag`.
    pub version: i64,
}

/// A membership type, as a member names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TypeRef {
    /// Which one.
    #[schema(value_type = Uuid)]
    pub id: MembershipTypeId,
    /// Its name.
    #[schema(example = "Individual")]
    pub name: String,
}

/// What is needed to make a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Its identity, made by the caller.
    pub id: MemberId,
    /// Its first name.
    pub first_name: PersonName,
    /// Its last name.
    pub last_name: PersonName,
    /// Its address.
    pub email: Email,
    /// Where it stands.
    pub status: MemberStatus,
    /// The tier it belongs to.
    pub membership_type: MembershipTypeId,
    /// When it is made.
    pub created_at: DateTime<Utc>,
}

/// What a member is changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The new first name.
    pub first_name: PersonName,
    /// The new last name.
    pub last_name: PersonName,
    /// The new address.
    pub email: Email,
    /// The new status; `None` keeps the one there is.
    pub status: Option<MemberStatus>,
    /// The new tier.
    pub membership_type: MembershipTypeId,
    /// When it is changed.
    pub updated_at: DateTime<Utc>,
}

/// The columns of a [`Member`], of `m` and its type `t`, in the order in which
/// [`Member::from_row`] reads them.
pub(super) const COLUMNS: &str = "m.id, m.first_name, m.last_name, m.email, m.status, \
    m.membership_type_id, t.name, m.created_at, m.updated_at, m.last_activity_at, m.version";

impl Member {
    /// Reads [`COLUMNS`], of which the first is the column number `at`. By number, because looking
    /// a column up by name costs more than reading it.
    pub(super) fn from_row(row: &PgRow, at: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: MemberId::from_uuid(row.try_get(at)?),
            first_name: row.try_get(at + 1)?,
            last_name: row.try_get(at + 2)?,
            email: row.try_get(at + 3)?,
            status: status(row, at + 4)?,
            membership_type: TypeRef {
                id: MembershipTypeId::from_uuid(row.try_get(at + 5)?),
                name: row.try_get(at + 6)?,
            },
            created_at: row.try_get(at + 7)?,
            updated_at: row.try_get(at + 8)?,
            last_activity_at: row.try_get(at + 9)?,
            version: row.try_get(at + 10)?,
        })
    }

    /// The same for a row that may be all null, as an outer join makes it.
    pub(super) fn from_nullable_row(row: &PgRow, at: usize) -> Result<Option<Self>, sqlx::Error> {
        match row.try_get::<Option<Uuid>, _>(at)? {
            Some(_) => Self::from_row(row, at).map(Some),
            None => Ok(None),
        }
    }
}

/// The status in column number `at`.
pub(super) fn status(row: &PgRow, at: usize) -> Result<MemberStatus, sqlx::Error> {
    row.try_get::<&str, _>(at)?.parse().map_err(|fault: crate::input::Invalid| {
        sqlx::Error::ColumnDecode { index: at.to_string(), source: fault.into() }
    })
}
