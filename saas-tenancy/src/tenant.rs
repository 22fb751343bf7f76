//! A tenant: one customer of the application.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use saas_core::TenantId;
use serde::{Deserialize, Serialize};

use crate::{
    placement::{Isolation, Placement, ServerId},
    slug::Slug,
};

/// One customer of the application, with data of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its identity; never used again, even after it is gone.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// Whether it is served.
    pub status: Status,
    /// Where its data lives.
    pub placement: Placement,
    /// What its owners set.
    pub settings: Settings,
    /// What it may use up.
    pub limits: Limits,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Grows with every change; guards against lost updates.
    pub version: i64,
}

/// What is needed to make a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTenant {
    /// Its identity, made by the caller so that a retry creates nothing twice.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// The wall around its data.
    pub isolation: Isolation,
    /// The server to put it on; `None` chooses the default one.
    pub server: Option<ServerId>,
    /// What its owners set.
    pub settings: Settings,
    /// What it may use up.
    pub limits: Limits,
}

impl NewTenant {
    /// A tenant with default settings and limits.
    #[must_use]
    pub fn new(id: TenantId, slug: Slug, name: impl Into<String>, isolation: Isolation) -> Self {
        Self {
            id,
            slug,
            name: name.into(),
            isolation,
            server: None,
            settings: Settings::default(),
            limits: Limits::default(),
        }
    }
}

/// Whether a tenant is served, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It is being tried out.
    #[default]
    Trial,
    /// It pays.
    Active,
    /// A payment failed; it is still served.
    PastDue,
    /// Its owners paused it; it can be read.
    Paused,
    /// The operator stopped it.
    Suspended,
    /// It ended; its data is kept for a while.
    Cancelled,
    /// Its data is being erased.
    Deleting,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Trial,
        Self::Active,
        Self::PastDue,
        Self::Paused,
        Self::Suspended,
        Self::Cancelled,
        Self::Deleting,
    ];

    /// What requests for the tenant may do.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Trial | Self::Active | Self::PastDue => Access::Full,
            Self::Paused => Access::ReadOnly,
            Self::Suspended | Self::Cancelled => Access::Refused,
            Self::Deleting => Access::Absent,
        }
    }

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
            Self::Deleting => "deleting",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(UnknownStatus)
    }
}

/// A text names no [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of `trial`, `active`, `past_due`, `paused`, `suspended`, `cancelled`, `deleting`"
)]
pub struct UnknownStatus;

/// What requests for a tenant may do, by its [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// Only reading.
    ReadOnly,
    /// Nothing; the client is told so.
    Refused,
    /// Nothing; the tenant looks as if it did not exist.
    Absent,
}

/// What the owners of a tenant set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The zone in which its days begin.
    pub time_zone: Tz,
    /// The currency of its prices, ISO 4217.
    pub currency: Currency,
    /// How it looks.
    pub branding: Branding,
}

impl Default for Settings {
    fn default() -> Self {
        Self { time_zone: Tz::UTC, currency: Currency::EUR, branding: Branding::default() }
    }
}

/// How a tenant looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// Its colour.
    pub color: Option<Color>,
    /// Where its logo is.
    pub logo_url: Option<url::Url>,
}

/// A colour as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color([u8; 3]);

impl FromStr for Color {
    type Err = InvalidColor;

    fn from_str(text: &str) -> Result<Self, InvalidColor> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii());
        let value = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = value.and_then(|hex| u32::from_str_radix(hex, 16).ok()).ok_or(InvalidColor)?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Color {
    type Error = InvalidColor;

    fn try_from(text: String) -> Result<Self, InvalidColor> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

/// A text is no [`Color`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a colour like `#1a7f5a`")]
pub struct InvalidColor;

/// A currency code of ISO 4217: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Three ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("EUR")
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(InvalidCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

/// A text is no [`Currency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency code like `EUR`")]
pub struct InvalidCurrency;

/// What a tenant may use up of the machines it shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How long one statement may run, in milliseconds.
    pub statement_timeout_ms: u32,
}

impl Limits {
    /// How long one statement may run.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms.into())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { statement_timeout_ms: 10_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_reads_back_as_itself() {
        assert_eq!("#1A7f5a".parse::<Color>().unwrap().to_string(), "#1a7f5a");
        for wrong in ["1a7f5a", "#1a7f5", "#1a7f5aa", "#+a7f5a", "#é7f5"] {
            assert_eq!(wrong.parse::<Color>(), Err(InvalidColor), "{wrong}");
        }
    }

    #[test]
    fn only_trial_active_and_past_due_are_served_in_full() {
        let full = Status::ALL.into_iter().filter(|status| status.access() == Access::Full);
        assert_eq!(full.collect::<Vec<_>>(), [Status::Trial, Status::Active, Status::PastDue]);
    }

    #[test]
    fn unknown_settings_fall_back_to_the_default() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, Settings::default());
    }
}
