use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Clock, SessionId, TenantId, UserId};

/// What an access token says. Claims of other names are ignored; of these, each has one type.
///
/// Times are whole seconds. There are no roles in it: what somebody may do is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Who it is for: one audience, never a list.
    pub aud: String,
    /// The person.
    pub sub: UserId,
    /// The tenant it is bound to. A token of the log-in page has none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub tid: Option<TenantId>,
    /// The session it was made from.
    pub sid: SessionId,
    /// The person's authorisation epoch when it was made. A later one on the server ends it.
    pub ep: i64,
    /// When it was made.
    #[serde(with = "seconds")]
    pub iat: DateTime<Utc>,
    /// From when on it is valid, if not from `iat`.
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<DateTime<Utc>>,
    /// Until when it is valid.
    #[serde(with = "seconds")]
    pub exp: DateTime<Utc>,
    /// When the person proved who they are.
    #[serde(with = "seconds")]
    pub auth_time: DateTime<Utc>,
    /// How they proved it ([RFC 8176]): `pwd`, `otp`.
    ///
    /// [RFC 8176]: https://www.rfc-editor.org/rfc/rfc8176
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// How strong the proof was, in words that the application chooses.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Who really acts, when it is not `sub`. Written as [RFC 8693] does: `{"sub": …}`.
    ///
    /// [RFC 8693]: https://www.rfc-editor.org/rfc/rfc8693#section-4.1
    #[serde(default, with = "actor", skip_serializing_if = "Option::is_none")]
    pub act: Option<UserId>,
    /// The id of this token.
    pub jti: Uuid,
}

impl AccessClaims {
    /// Claims of `(iss, aud)` for a `(user, session)`, valid from now for `lifetime`.
    ///
    /// The proof of identity is dated now; the epoch is 0. Set other fields as they apply.
    #[must_use]
    pub fn new(
        (iss, aud): (&str, &str),
        (sub, sid): (UserId, SessionId),
        clock: &Clock,
        lifetime: Duration,
    ) -> Self {
        let now = clock.now().trunc_subsecs(0);
        let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
        Self {
            iss: iss.to_owned(),
            aud: aud.to_owned(),
            sub,
            tid: None,
            sid,
            ep: 0,
            iat: now,
            nbf: None,
            exp: now.checked_add_signed(lifetime).map_or(now, |exp| exp.trunc_subsecs(0)),
            auth_time: now,
            amr: Vec::new(),
            acr: None,
            act: None,
            jti: clock.uuid(),
        }
    }

    /// The same, bound to `tenant`.
    #[must_use]
    pub fn for_tenant(self, tenant: TenantId) -> Self {
        Self { tid: Some(tenant), ..self }
    }

    /// The same, for a session that was proved at `at` by `methods`.
    #[must_use]
    pub fn proved<M: Into<String>>(
        self,
        at: DateTime<Utc>,
        methods: impl IntoIterator<Item = M>,
    ) -> Self {
        let amr = methods.into_iter().map(Into::into).collect();
        Self { auth_time: at.trunc_subsecs(0), amr, ..self }
    }

    /// The same, made while the person's epoch is `epoch`.
    #[must_use]
    pub fn in_epoch(self, epoch: i64) -> Self {
        Self { ep: epoch, ..self }
    }

    /// The same, with `actor` acting for the person.
    #[must_use]
    pub fn acted_by(self, actor: UserId) -> Self {
        Self { act: Some(actor), ..self }
    }
}

/// A claim that may be missing but not `null`.
fn present<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(from).map(Some)
}

/// A point in time as whole seconds since 1970. Fractions, floats and texts are not taken.
mod seconds {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.timestamp())
    }

    pub(super) fn deserialize<'de, D>(from: D) -> Result<DateTime<Utc>, D::Error>
    where
        D: Deserializer<'de>,
    {
        // Unsigned: before 1970 there were no tokens.
        let seconds = u64::deserialize(from)?;
        let seconds = i64::try_from(seconds).map_err(Error::custom)?;
        DateTime::from_timestamp(seconds, 0).ok_or_else(|| Error::custom("beyond all calendars"))
    }
}

mod optional_seconds {
    use chrono::{DateTime, Utc};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S>(at: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        match at {
            Some(at) => super::seconds::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D>(from: D) -> Result<Option<DateTime<Utc>>, D::Error>
    where
        D: Deserializer<'de>,
    {
        super::seconds::deserialize(from).map(Some)
    }
}

mod actor {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::{Map, Value, json};

    use crate::UserId;

    pub(super) fn serialize<S>(by: &Option<UserId>, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        by.map(|by| json!({"sub": by})).serialize(to)
    }

    pub(super) fn deserialize<'de, D>(from: D) -> Result<Option<UserId>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let act = Map::deserialize(from)?;
        // A chain of actors (a nested `act`) is nothing that we issue.
        match act.get("sub") {
            Some(Value::String(sub)) if act.len() == 1 => {
                sub.parse().map(Some).map_err(Error::custom)
            }
            _ => Err(Error::custom("`act` has exactly `sub`")),
        }
    }
}
