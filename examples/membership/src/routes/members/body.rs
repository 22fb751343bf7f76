use chrono::{DateTime, Utc};
use saas_core::Clock;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::AppError,
    input::Faults,
    members::{Email, MemberChange, MemberId, MemberStatus, NewMember, PersonName},
    membership_types::MembershipTypeId,
};

/// A member as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberInput)]
pub(super) struct MemberBody {
    /// The first name.
    #[schema(min_length = 1, max_length = 100, example = "Zoë")]
    first_name: String,
    /// The last name.
    #[schema(min_length = 1, max_length = 100, example = "O'Brien")]
    last_name: String,
    /// The address.
    #[schema(max_length = 254, format = Email, example = "zoe@example.com")]
    email: String,
    /// Where the member stands. Left out, a new member is `active` and another one stays as it is.
    status: Option<MemberStatus>,
    /// The tier.
    membership_type_id: Uuid,
}

/// The parts that have to be checked.
struct Checked {
    first_name: PersonName,
    last_name: PersonName,
    email: Email,
}

impl MemberBody {
    fn check(&self) -> Result<Checked, AppError> {
        let mut faults = Faults::new();
        let first_name = faults.check("first_name", PersonName::parse(&self.first_name));
        let last_name = faults.check("last_name", PersonName::parse(&self.last_name));
        let email = faults.check("email", Email::parse(&self.email));
        let all = first_name.zip(last_name).zip(email);
        faults.finish(all.map(|((first_name, last_name), email)| Checked {
            first_name,
            last_name,
            email,
        }))
    }

    /// A new member.
    pub(super) fn into_new(self, clock: &Clock) -> Result<NewMember, AppError> {
        let Checked { first_name, last_name, email } = self.check()?;
        Ok(NewMember {
            id: MemberId::generate(clock),
            first_name,
            last_name,
            email,
            status: self.status.unwrap_or_default(),
            membership_type: MembershipTypeId::from_uuid(self.membership_type_id),
            created_at: clock.now(),
        })
    }

    /// A change of a member.
    pub(super) fn into_change(self, updated_at: DateTime<Utc>) -> Result<MemberChange, AppError> {
        let Checked { first_name, last_name, email } = self.check()?;
        Ok(MemberChange {
            first_name,
            last_name,
            email,
            status: self.status,
            membership_type: MembershipTypeId::from_uuid(self.membership_type_id),
            updated_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let body: MemberBody = serde_json::from_value(serde_json::json!({
            "first_name": "", "last_name": "a\u{0}b", "email": "nobody",
            "membership_type_id": Uuid::nil(),
        }))
        .unwrap();
        let error = body.into_new(&Clock::system()).unwrap_err();
        let fields: Vec<_> = error.problem().errors().iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["first_name", "last_name", "email"]);
    }
}
