use http::StatusCode;
use saas_core::Problem;
use sqlx::error::DatabaseError;

use crate::error::AppError;

/// Why membership types could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipTypeError {
    /// There is no such type. One of another tenant looks the same, on purpose.
    #[error("there is no such membership type")]
    NotFound,
    /// Somebody else changed the type since it was read.
    #[error("the membership type was changed in the meantime; read it again and repeat the change")]
    Stale,
    /// Another type of the tenant has the name.
    #[error("a membership type of this name exists already")]
    NameTaken,
    /// Members belong to the type.
    #[error("members belong to this membership type; move them to another one first")]
    InUse,
    /// The tenant has as many types as it can have.
    #[error("there are 200 membership types already; delete one that is not used")]
    Full,
    /// A statement failed.
    #[error("database request failed")]
    Database(#[source] sqlx::Error),
}

/// A constraint that a change would break says what is wrong with it.
impl From<sqlx::Error> for MembershipTypeError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(DatabaseError::constraint) {
            Some("membership_types_name_key") => Self::NameTaken,
            Some("members_membership_type_id_fkey") => Self::InUse,
            _ => Self::Database(error),
        }
    }
}

impl From<MembershipTypeError> for AppError {
    fn from(error: MembershipTypeError) -> Self {
        let (status, code) = match error {
            MembershipTypeError::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            MembershipTypeError::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
            MembershipTypeError::NameTaken => (StatusCode::CONFLICT, "name_taken"),
            MembershipTypeError::InUse => (StatusCode::CONFLICT, "membership_type_in_use"),
            MembershipTypeError::Full => (StatusCode::CONFLICT, "membership_types_full"),
            MembershipTypeError::Database(error) => return error.into(),
        };
        Problem::new(status, code).with_detail(error.to_string()).into()
    }
}
