//! Identifiers: one type a thing, so that a member's id cannot stand where a tenant's is asked.
//!
//! All of them are version 7 UUIDs ([RFC 9562], section 5.7): they sort by the time they were made,
//! which keeps the newest rows of a table together in its index.
//!
//! [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562#section-5.7

/// Declares an identifier: a newtype over [`uuid::Uuid`] with the conversions an id needs.
///
/// Applications declare their own beside the ones of the framework:
///
/// ```
/// saas_core::id! {
///     /// A member of a club.
///     pub struct MemberId;
/// }
///
/// let id = MemberId::generate(&saas_core::Clock::system());
/// assert_eq!(id.to_string().parse::<MemberId>()?, id);
/// # Ok::<(), uuid::Error>(())
/// ```
#[macro_export]
macro_rules! id {
    ($(#[$meta:meta])* $vis:vis struct $name:ident;) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            $crate::id::__private::Serialize, $crate::id::__private::Deserialize,
        )]
        #[serde(crate = "saas_core::id::__private::serde", transparent)]
        $vis struct $name($crate::id::__private::Uuid);

        impl $name {
            /// Makes a new id, stamped with the time of `clock`.
            #[must_use]
            $vis fn generate(clock: &$crate::Clock) -> Self {
                Self(clock.uuid())
            }

            /// Wraps an id that was made elsewhere.
            #[must_use]
            $vis const fn from_uuid(uuid: $crate::id::__private::Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, as a database column holds it.
            #[must_use]
            $vis const fn as_uuid(self) -> $crate::id::__private::Uuid {
                self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::write!(f, "{}({})", ::std::stringify!($name), self.0)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::__private::UuidError;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

/// What [`id!`](crate::id!) expands to; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use serde;
    pub use serde::{Deserialize, Serialize};
    pub use uuid::{Error as UuidError, Uuid};
}

// Inside this crate the macro's paths need the crate's own name.
use crate as saas_core;

id! {
    /// A tenant: one customer of the application, with data of its own.
    pub struct TenantId;
}

id! {
    /// A person who can sign in; may belong to many tenants.
    pub struct UserId;
}

id! {
    /// One request or one run of a background job, to follow it through logs and answers.
    pub struct RequestId;
}

id! {
    /// One sign-in on one device. Revoking it ends every token that was made from it.
    pub struct SessionId;
}

id! {
    /// A key with which a program acts for a person.
    pub struct ApiKeyId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use chrono::{TimeZone, Utc};

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let (clock, hand) = Clock::manual(Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap());
        let first = TenantId::generate(&clock);
        hand.advance(std::time::Duration::from_millis(1));
        assert!(first < TenantId::generate(&clock));
    }

    #[test]
    fn ids_travel_through_json_as_plain_strings() {
        let id = UserId::generate(&Clock::system());
        assert_eq!(serde_json::to_value(id).unwrap(), serde_json::json!(id.to_string()));
    }
}
