//! What can go wrong when access is asked for, given or taken.

use saas_core::{BoxError, Problem, permission::Denied, problem::FieldError};
use saas_tenancy::TenancyError;

/// Why something about roles, teams, invitations or keys was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// There is no such thing in this tenant. One of another tenant looks the same, on purpose.
    #[error("there is no such {0} here")]
    NotFound(&'static str),
    /// A field of the input is not valid.
    #[error("`{field}` is not valid: {why}")]
    Invalid {
        /// The field, as the client knows it.
        field: &'static str,
        /// What would be right.
        why: String,
    },
    /// A name is none of the application's permissions.
    #[error("there is no permission `{0}`; see the list of permissions for their names")]
    UnknownPermission(String),
    /// A name is none of the tenant's roles.
    #[error("there is no role `{0}` here; see the list of roles for their names")]
    UnknownRole(String),
    /// Roles would include each other in a circle.
    #[error("roles cannot include each other in a circle: {0}")]
    RoleCycle(String),
    /// Two roles of a tenant cannot have one name.
    #[error("a role with this name exists already; choose another name")]
    RoleNameTaken,
    /// All bits for roles of this tenant are in use.
    #[error("this workspace has as many roles as there can be; delete one first")]
    TooManyRoles,
    /// Somebody has the role, an open invitation promises it, or another role includes it.
    #[error("the role is in use; take it from people, invitations and other roles first")]
    RoleInUse,
    /// Somebody else changed it since it was read.
    #[error("it was changed in the meantime; read it again and repeat the change")]
    Stale,
    /// The actor would grant or take what they do not hold.
    #[error("you can only grant or take what you may do yourself; missing: {}", missing.join(", "))]
    NotGrantable {
        /// The permissions that the actor lacks; empty where the database alone refused.
        missing: Vec<String>,
    },
    /// Somebody who is no owner would appoint, change or remove an owner.
    #[error("only an owner can appoint, change or remove an owner")]
    OwnersOnly,
    /// Nobody would own the tenant any more.
    #[error("this is the last owner; appoint another one first")]
    LastOwner,
    /// The person is a member already.
    #[error("this person is a member already")]
    AlreadyMember,
    /// An invitation for the address is open.
    #[error("this address is invited already; resend or revoke the open invitation")]
    AlreadyInvited,
    /// All seats are taken by members and open invitations.
    #[error("all {limit} seats are taken; remove somebody, revoke an invitation or add seats")]
    SeatLimit {
        /// How many seats there are.
        limit: u32,
    },
    /// A token that is unknown, used, revoked or expired: the answer does not tell which.
    #[error("this link was used or is no longer valid; ask for a new one")]
    TokenUsed,
    /// The invitation is for another address than that of the person who takes it.
    #[error("this invitation is for another address; sign in with the address it was sent to")]
    EmailMismatch,
    /// The person has not proven that the address is theirs.
    #[error("verify your e-mail address first, then open the invitation again")]
    EmailNotVerified,
    /// There is an account with the invited address.
    #[error("there is an account with this address; sign in to accept the invitation")]
    EmailTaken,
    /// Whoever invited can no longer give the role.
    #[error("whoever invited you can no longer do so; ask for a new invitation")]
    InviterLostRight,
    /// The secret of a key is only for the person it acts for.
    #[error("the key acts for somebody else; only they can change it")]
    NotTheOwner,
    /// Only the application's own staff may do this.
    #[error("this is for super-administrators")]
    SuperAdminsOnly,
    /// The actor may not do this.
    #[error("the permission is missing")]
    Denied(#[source] Denied),
    /// Who acts is of another tenant, or of none.
    #[error("the request's principal does not belong to its tenant")]
    OtherTenant,
    /// The database cannot be asked. The cause is logged and never sent.
    #[error("access cannot be decided now")]
    Unavailable(#[source] BoxError),
    /// A statement failed. The cause is logged and never sent.
    #[error("the change of access failed")]
    Database(#[source] BoxError),
}

impl AccessError {
    /// Says that `field` is not valid, and what would be.
    #[cfg(feature = "postgres")]
    pub(crate) fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    fn status_and_code(&self) -> (http::StatusCode, &'static str) {
        use http::StatusCode as S;
        match self {
            Self::NotFound(_) => (S::NOT_FOUND, "not_found"),
            Self::RoleCycle(_) => (S::UNPROCESSABLE_ENTITY, "role_cycle"),
            Self::RoleNameTaken => (S::CONFLICT, "role_name_taken"),
            Self::TooManyRoles => (S::CONFLICT, "too_many_roles"),
            Self::RoleInUse => (S::CONFLICT, "role_in_use"),
            Self::Stale => (S::PRECONDITION_FAILED, "stale"),
            Self::NotGrantable { .. } => (S::FORBIDDEN, "not_grantable"),
            Self::OwnersOnly => (S::FORBIDDEN, "owners_only"),
            Self::LastOwner => (S::CONFLICT, "last_owner"),
            Self::AlreadyMember => (S::CONFLICT, "already_member"),
            Self::AlreadyInvited => (S::CONFLICT, "already_invited"),
            Self::SeatLimit { .. } => (S::CONFLICT, "seat_limit"),
            Self::TokenUsed => (S::GONE, "token_used"),
            Self::EmailMismatch => (S::FORBIDDEN, "email_mismatch"),
            Self::EmailNotVerified => (S::FORBIDDEN, "email_not_verified"),
            Self::EmailTaken => (S::CONFLICT, "email_taken"),
            Self::InviterLostRight => (S::CONFLICT, "inviter_lost_right"),
            Self::NotTheOwner => (S::FORBIDDEN, "not_the_owner"),
            Self::SuperAdminsOnly => (S::FORBIDDEN, "super_admins_only"),
            Self::OtherTenant => (S::FORBIDDEN, "tenant_mismatch"),
            Self::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "access_unavailable"),
            Self::Invalid { .. }
            | Self::UnknownPermission(_)
            | Self::UnknownRole(_)
            | Self::Denied(_)
            | Self::Database(_) => (S::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<Denied> for AccessError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// A failure of the database is told apart from what the database refused: see `sql`.
impl From<TenancyError> for AccessError {
    fn from(error: TenancyError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let field = |field, code| {
            let detail = error.to_string();
            Self::validation(vec![FieldError::new(field, code, detail)])
        };
        match &error {
            AccessError::Invalid { field: name, .. } => return field(*name, "invalid"),
            AccessError::UnknownPermission(_) => return field("permissions", "unknown"),
            AccessError::UnknownRole(_) => return field("role", "unknown"),
            AccessError::Denied(denied) => return (*denied).into(),
            AccessError::Database(_) => return Self::internal(error),
            _ => {}
        }
        let (status, code) = error.status_and_code();
        let problem = Self::new(status, code).with_detail(error.to_string());
        if status.is_server_error() { problem.with_source(error) } else { problem }
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for AccessError {
    fn into_response(self) -> axum_core::response::Response {
        let retry = matches!(self, Self::Unavailable(_));
        let mut response = Problem::from(self).into_response();
        if retry {
            let seconds = http::HeaderValue::from(saas_tenancy::error::RETRY_AFTER.as_secs());
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn what_is_wrong_with_the_input_names_its_field() {
        let problem = Problem::from(AccessError::invalid("name", "1 to 100 characters"));
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.errors()[0].field, "name");
    }

    #[test]
    fn a_database_that_is_away_is_503_and_says_nothing_of_the_cause() {
        let problem = Problem::from(AccessError::Unavailable("password=hunter2".into()));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!problem.to_string().contains("hunter2"));
    }

    #[test]
    fn the_last_owner_is_a_conflict() {
        let problem = Problem::from(AccessError::LastOwner);
        assert_eq!((problem.status(), problem.code()), (StatusCode::CONFLICT, "last_owner"));
    }
}
