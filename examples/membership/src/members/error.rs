use http::StatusCode;
use saas_core::{Problem, problem::FieldError};
use sqlx::error::DatabaseError;

use crate::error::AppError;

/// Why members could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// There is no such member. One of another tenant looks the same, on purpose.
    #[error("there is no such member")]
    NotFound,
    /// Somebody else changed the member since it was read.
    #[error("the member was changed in the meantime; read it again and repeat the change")]
    Stale,
    /// Another member of the tenant has the address.
    #[error("a member with this address exists already")]
    EmailTaken,
    /// There is no such membership type.
    #[error("there is no such membership type; `GET /membership-types` lists them")]
    UnknownMembershipType,
    /// A statement failed.
    #[error("database request failed")]
    Database(#[source] sqlx::Error),
}

/// A constraint that a change would break says what is wrong with it.
impl From<sqlx::Error> for MemberError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(DatabaseError::constraint) {
            Some("members_email_key") => Self::EmailTaken,
            Some("members_membership_type_id_fkey") => Self::UnknownMembershipType,
            _ => Self::Database(error),
        }
    }
}

impl From<MemberError> for AppError {
    fn from(error: MemberError) -> Self {
        let problem = |status, code| Problem::new(status, code).with_detail(error.to_string());
        match error {
            MemberError::NotFound => problem(StatusCode::NOT_FOUND, "not_found").into(),
            MemberError::Stale => problem(StatusCode::PRECONDITION_FAILED, "stale").into(),
            MemberError::EmailTaken => problem(StatusCode::CONFLICT, "email_taken").into(),
            MemberError::UnknownMembershipType => {
                let fault = FieldError::new("membership_type_id", "unknown", error.to_string());
                Problem::validation(vec![fault]).into()
            }
            MemberError::Database(error) => error.into(),
        }
    }
}
