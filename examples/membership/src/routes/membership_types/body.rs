use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    error::AppError,
    input::Faults,
    membership_types::{Currency, Features, Interval, MembershipTypeChange, Price, TypeName},
};

/// A membership type as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MembershipTypeInput)]
pub(super) struct MembershipTypeBody {
    /// The name.
    #[schema(min_length = 1, max_length = 100, example = "Individual")]
    name: String,
    /// What it costs per interval.
    price: PriceBody,
    /// How often it is paid.
    interval: Interval,
    /// What it includes, in words; nothing if left out.
    #[serde(default)]
    #[schema(max_items = 50)]
    features: Vec<String>,
}

/// An amount of money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PriceInput)]
pub(super) struct PriceBody {
    /// How many minor units of the currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 1250)]
    amount: i64,
    /// The currency, by its three letters.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: String,
}

impl MembershipTypeBody {
    /// The type to make or to change to.
    pub(super) fn into_change(self, at: DateTime<Utc>) -> Result<MembershipTypeChange, AppError> {
        let mut faults = Faults::new();
        let name = faults.check("name", TypeName::parse(&self.name));
        let amount = faults.check("price.amount", Price::check_amount(self.price.amount));
        let currency = faults.check("price.currency", Currency::parse(&self.price.currency));
        let features = faults.check("features", Features::parse(&self.features));
        let all = name.zip(amount.zip(currency)).zip(features);
        faults.finish(all.map(|((name, (amount, currency)), features)| MembershipTypeChange {
            name,
            price: Price { amount, currency },
            interval: self.interval,
            features,
            at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let body: MembershipTypeBody = serde_json::from_value(serde_json::json!({
            "name": " ", "price": {"amount": -1, "currency": "euro"}, "interval": "month",
            "features": [""],
        }))
        .unwrap();
        let error = body.into_change(DateTime::UNIX_EPOCH).unwrap_err();
        let fields: Vec<_> = error.problem().errors().iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["name", "price.amount", "price.currency", "features"]);
    }
}
