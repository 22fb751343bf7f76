use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use utoipa::ToSchema;

use super::price::{Currency, Price};
use crate::input::{Invalid, line};

saas_core::id! {
    /// A membership type.
    pub struct MembershipTypeId;
}

/// A tier that members can belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MembershipType {
    /// Its identity.
    #[schema(value_type = Uuid)]
    pub id: MembershipTypeId,
    /// Its name, unique within the tenant whatever its case.
    #[schema(example = "Individual")]
    pub name: String,
    /// What it costs per interval.
    pub price: Price,
    /// How often it is paid.
    pub interval: Interval,
    /// What it includes, in words.
    pub features: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Grows with every change; also the `ETag`.
    pub version: i64,
}

/// What a membership type is made with, or changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipTypeChange {
    /// Its name.
    pub name: TypeName,
    /// What it costs per interval.
    pub price: Price,
    /// How often it is paid.
    pub interval: Interval,
    /// What it includes.
    pub features: Features,
    /// When it is made or changed.
    pub at: DateTime<Utc>,
}

/// The name of a membership type: 1 to 100 characters, without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName(String);

impl TypeName {
    /// How many characters a name may have.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name. White space around it is dropped.
    ///
    /// # Errors
    /// [`Invalid`] with the code `required`, `too_long` or `invalid_characters`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, Self::MAX_CHARS).map(|name| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a membership type includes: at most 50 lines of at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features(Vec<String>);

impl Features {
    /// How many lines there may be.
    pub const MAX: usize = 50;

    /// Reads the lines.
    ///
    /// # Errors
    /// [`Invalid`] with the code `too_many`, or of the first line that is wrong.
    pub fn parse(lines: &[String]) -> Result<Self, Invalid> {
        if lines.len() > Self::MAX {
            return Err(Invalid::new("too_many", "must have at most 50 entries"));
        }
        let parsed = lines.iter().map(|text| line(text, 100).map(str::to_owned));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The lines.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// How often a membership is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Interval {
    /// Every month.
    Month,
    /// Every three months.
    Quarter,
    /// Every year.
    Year,
}

impl Interval {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Month, Self::Quarter, Self::Year];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// Derived, it would take `{"month": null}` as well, and call a number malformed.
impl TryFrom<String> for Interval {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl FromStr for Interval {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            Invalid::new("invalid_interval", "must be one of `month`, `quarter`, `year`")
        })
    }
}

/// The columns of a [`MembershipType`], in the order in which it is read.
macro_rules! columns {
    () => {
        "id, name, price_amount, price_currency, billing_interval, features, created_at, \
         updated_at, version"
    };
}
pub(super) use columns;

impl MembershipType {
    /// Reads a row of [`columns!`].
    pub(super) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let decode = |index: usize| {
            move |fault: Invalid| sqlx::Error::ColumnDecode {
                index: index.to_string(),
                source: fault.into(),
            }
        };
        let currency = Currency::parse(row.try_get(3)?).map_err(decode(3))?;
        Ok(Self {
            id: MembershipTypeId::from_uuid(row.try_get(0)?),
            name: row.try_get(1)?,
            price: Price { amount: row.try_get(2)?, currency },
            interval: row.try_get::<&str, _>(4)?.parse().map_err(decode(4))?,
            features: row.try_get(5)?,
            created_at: row.try_get(6)?,
            updated_at: row.try_get(7)?,
            version: row.try_get(8)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_back_from_its_name() {
        for interval in Interval::ALL {
            assert_eq!(interval.as_str().parse(), Ok(interval));
        }
        assert!("day".parse::<Interval>().is_err());
    }

    #[test]
    fn features_are_limited_in_number_and_length() {
        let lines = |count: usize, text: &str| vec![text.to_owned(); count];
        assert!(Features::parse(&lines(50, "sauna")).is_ok());
        assert_eq!(Features::parse(&lines(51, "sauna")).unwrap_err().code, "too_many");
        assert_eq!(Features::parse(&lines(1, "a\0")).unwrap_err().code, "invalid_characters");
    }
}
