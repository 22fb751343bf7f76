//! People who can sign in. They belong to no tenant; a membership ties them to one.
//!
//! 1. An address belongs to one person, however it is written: [`Email`] trims it and lowers its
//!    domain, and the table knows the rest without regard to case.
//! 2. Somebody who is disabled, or whose password changes, is signed out everywhere in the same
//!    transaction: all sessions end, and the epoch grows, which ends every token of before.
//! 3. What a person may do is no matter of this module.
//!
//! ```no_run
//! # async fn run(
//! #     databases: saas_tenancy::db::TenantDatabases,
//! #     clock: saas_core::Clock,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use saas_rbac::user::{Email, NewUser, Users};
//!
//! let users = Users::new(databases, clock);
//! let ann = users.create(NewUser::new(Email::parse("Ann@ACME.test")?, "Ann Other")?).await?;
//! assert_eq!(ann.email.as_str(), "Ann@acme.test");
//! assert_eq!(users.by_email(&Email::parse("ann@acme.test")?).await?.map(|u| u.id), Some(ann.id));
//! # Ok(())
//! # }
//! ```

mod email;
mod rows;
mod store;

use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{Problem, TenantId, UserId, problem::FieldError};
use saas_tenancy::TenancyError;

use crate::{outage, password::PasswordHash};

pub use email::{Email, InvalidEmail};
pub(crate) use rows::{read_user, user_columns};
pub use store::Users;
pub(crate) use store::end_all_sessions;

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// The address.
    pub email: Email,
    /// What to call the person.
    pub name: String,
    /// When the address was proven to be theirs.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// Since when they may not sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Whether they run the application.
    pub is_super_admin: bool,
    /// Tokens of an older epoch are over.
    pub epoch: i64,
    /// When they were made.
    pub created_at: DateTime<Utc>,
    /// Grows with every change of name, address or right to sign in.
    pub version: i64,
}

/// A person to be made.
#[derive(Debug, Clone)]
#[must_use]
pub struct NewUser {
    pub(crate) email: Email,
    pub(crate) name: String,
    pub(crate) password: Option<PasswordHash>,
    pub(crate) proof: EmailProof,
}

/// Whether an address is known to be the person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailProof {
    /// Nobody has shown it yet.
    #[default]
    Missing,
    /// Somebody has: an invitation was accepted by a link in a mail, or an identity provider says so.
    Given,
}

impl NewUser {
    /// A person without a password whose address is not proven.
    ///
    /// # Errors
    /// [`UserError::InvalidName`] when the name is empty, longer than 200 characters or holds control
    /// characters.
    pub fn new(email: Email, name: &str) -> Result<Self, UserError> {
        Ok(Self { email, name: checked_name(name)?, password: None, proof: EmailProof::Missing })
    }

    /// The same with a password.
    pub fn with_password(self, hash: PasswordHash) -> Self {
        Self { password: Some(hash), ..self }
    }

    /// The same with what is known of the address.
    pub fn with_proof(self, proof: EmailProof) -> Self {
        Self { proof, ..self }
    }
}

/// A tenant that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The roles the person has there.
    pub role_mask: i64,
}

/// What can go wrong with people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// Somebody else has the address.
    #[error("somebody with this address exists already")]
    EmailTaken,
    /// The text is not an address.
    #[error("this is not an e-mail address; write it as `name@example.com`")]
    InvalidEmail,
    /// The name is not one.
    #[error("the name must have 1 to 200 characters and no control characters")]
    InvalidName,
    /// There is no such person.
    #[error("there is nobody with this id")]
    NotFound,
    /// Somebody else changed the person since it was read.
    #[error("the person was changed in the meantime; read it again and repeat the change")]
    Stale,
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("people cannot be looked up")]
    Unavailable(#[from] TenancyError),
}

impl From<InvalidEmail> for UserError {
    fn from(_: InvalidEmail) -> Self {
        Self::InvalidEmail
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        let detail = error.to_string();
        match error {
            UserError::EmailTaken => {
                Self::new(StatusCode::CONFLICT, "email_taken").with_detail(detail)
            }
            UserError::InvalidEmail => {
                Self::validation(vec![FieldError::new("email", "invalid", detail)])
            }
            UserError::InvalidName => {
                Self::validation(vec![FieldError::new("name", "invalid", detail)])
            }
            UserError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "not_found").with_detail(detail)
            }
            UserError::Stale => {
                Self::new(StatusCode::PRECONDITION_FAILED, "stale").with_detail(detail)
            }
            UserError::Unavailable(_) => outage::problem(error),
        }
    }
}

/// A name as it is stored.
fn checked_name(name: &str) -> Result<String, UserError> {
    let name = name.trim();
    let fits = (1..=200).contains(&name.chars().count());
    if fits && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(UserError::InvalidName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_any_script_is_fine() {
        assert_eq!(checked_name("  Zoë 李 ").unwrap(), "Zoë 李");
        for name in ["", "   ", "a\0b", "a\nb", &"x".repeat(201)] {
            assert!(matches!(checked_name(name), Err(UserError::InvalidName)), "{name:?}");
        }
    }
}
