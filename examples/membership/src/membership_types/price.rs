use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::input::Invalid;

/// An amount of money in the minor units of its currency: 1250 EUR is 12.50 €.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Price {
    /// How many minor units; never negative.
    #[schema(minimum = 0, example = 1250)]
    pub amount: i64,
    /// The currency.
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
}

impl Price {
    /// The highest price, in minor units.
    pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

    /// An amount that a price can have.
    ///
    /// # Errors
    /// [`Invalid`] with the code `out_of_range`.
    pub fn check_amount(amount: i64) -> Result<i64, Invalid> {
        (0..=Self::MAX_AMOUNT)
            .contains(&amount)
            .then_some(amount)
            .ok_or_else(|| Invalid::new("out_of_range", "must be from 0 to 1000000000000"))
    }
}

/// A currency by its three letters (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads a currency.
    ///
    /// # Errors
    /// [`Invalid`] with the code `invalid_currency`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters @ [b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z']) => Ok(Self(letters)),
            _ => Err(Invalid::new("invalid_currency", "must be three capitals, such as `EUR`")),
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // They are ASCII, so this is never empty.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capitals() {
        assert_eq!(Currency::parse("EUR").unwrap().to_string(), "EUR");
        for text in ["", "eur", "EURO", "E1R", "€"] {
            assert_eq!(Currency::parse(text).unwrap_err().code, "invalid_currency", "{text}");
        }
    }

    #[test]
    fn a_price_is_not_negative() {
        assert!(Price::check_amount(0).is_ok());
        assert!(Price::check_amount(-1).is_err());
        assert!(Price::check_amount(i64::MAX).is_err());
    }
}
