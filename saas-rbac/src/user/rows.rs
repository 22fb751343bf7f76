//! From rows to people.

use saas_core::UserId;
use saas_tenancy::TenancyError;
use sqlx::{Row, postgres::PgRow};

use super::{Email, User};

/// The columns that [`read_user`] reads, of the table under the name `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.name, u.email_verified_at, u.disabled_at, u.is_super_admin, u.epoch,
         u.created_at, u.version"
    };
}

pub(crate) use user_columns;

/// The person in `row`.
pub(crate) fn read_user(row: &PgRow) -> Result<User, TenancyError> {
    let email: String = row.try_get("email")?;
    Ok(User {
        id: UserId::from_uuid(row.try_get("id")?),
        email: Email::parse(&email).map_err(TenancyError::store)?,
        name: row.try_get("name")?,
        email_verified_at: row.try_get("email_verified_at")?,
        disabled_at: row.try_get("disabled_at")?,
        is_super_admin: row.try_get("is_super_admin")?,
        epoch: row.try_get("epoch")?,
        created_at: row.try_get("created_at")?,
        version: row.try_get("version")?,
    })
}
