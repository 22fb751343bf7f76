//! The tenants of the demo: one for every wall, and one for every state that shows.

use chrono_tz::Tz;
use saas_tenancy::{
    Isolation, Status,
    tenant::{Branding, Currency, Settings},
};

/// A tenant of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoTenant {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) isolation: Isolation,
    pub(super) status: Status,
    pub(super) size: Size,
    color: &'static str,
    time_zone: Tz,
}

/// How many members a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// As many as asked for.
    Largest,
    /// A few hundred.
    Small,
}

impl DemoTenant {
    /// What its owners set.
    pub(super) fn settings(&self) -> Settings {
        let branding = Branding { color: self.color.parse().ok(), logo_url: None };
        Settings { time_zone: self.time_zone, currency: Currency::EUR, branding }
    }
}

/// All of them. The order gives each its people, so a new one goes to the end.
pub(super) const ALL: [DemoTenant; 5] = [
    DemoTenant {
        slug: "acme",
        name: "Acme Sports Club",
        isolation: Isolation::Shared,
        status: Status::Active,
        size: Size::Largest,
        color: "#1a7f5a",
        time_zone: Tz::Europe__Berlin,
    },
    DemoTenant {
        slug: "globex",
        name: "Globex Alumni",
        isolation: Isolation::Schema,
        status: Status::Active,
        size: Size::Small,
        color: "#3455db",
        time_zone: Tz::America__New_York,
    },
    DemoTenant {
        slug: "initech",
        name: "Initech Professional Association",
        isolation: Isolation::Database,
        status: Status::Active,
        size: Size::Small,
        color: "#8a3ffc",
        time_zone: Tz::Asia__Tokyo,
    },
    DemoTenant {
        slug: "hooli",
        name: "Hooli Friends",
        isolation: Isolation::Shared,
        status: Status::Suspended,
        size: Size::Small,
        color: "#b5471b",
        time_zone: Tz::UTC,
    },
    DemoTenant {
        slug: "umbrella",
        name: "Umbrella Patients' Union",
        isolation: Isolation::Schema,
        status: Status::PastDue,
        size: Size::Small,
        color: "#a2191f",
        time_zone: Tz::Europe__London,
    },
];

/// A membership type of the demo: name, price in cents, interval, features.
pub(super) const TYPES: [(&str, i64, &str, &[&str]); 4] = [
    ("Individual", 1_250, "month", &["Member card", "Events"]),
    ("Family", 2_400, "month", &["Member card", "Events", "Up to five people"]),
    ("Corporate", 49_900, "year", &["Ten seats", "Invoice by e-mail", "Named contact"]),
    ("Patron", 120_000, "year", &["All events", "Annual dinner"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_tenant_has_a_name_and_colour_that_are_accepted() {
        for tenant in ALL {
            assert!(tenant.slug.parse::<saas_tenancy::Slug>().is_ok(), "{}", tenant.slug);
            assert!(tenant.settings().branding.color.is_some(), "{}", tenant.color);
        }
    }

    #[test]
    fn the_demo_shows_every_wall() {
        for isolation in Isolation::ALL {
            assert!(ALL.iter().any(|tenant| tenant.isolation == isolation), "{isolation}");
        }
    }
}
