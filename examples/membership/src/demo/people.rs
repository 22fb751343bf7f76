//! The members of the demo, one a number: the same ones on every machine and in every order.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{Builder, Uuid};

use super::{names::Person, random::Random};

/// How far back the members of the demo go.
const DAYS: i64 = 730;

/// A member of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DemoMember {
    pub(super) id: Uuid,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) email: String,
    pub(super) status: &'static str,
    /// Which of the tenant's membership types, by its place in the list.
    pub(super) membership_type: usize,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_activity_at: Option<DateTime<Utc>>,
}

/// The members of one tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct People {
    /// Other tenants have other people.
    pub(super) seed: u64,
    /// The day they are counted back from.
    pub(super) today: DateTime<Utc>,
    /// How many there are.
    pub(super) total: u64,
}

impl People {
    /// The member number `index`. A higher number joined later.
    pub(super) fn member(&self, index: u64) -> DemoMember {
        let mut random = Random::new(self.seed, index);
        let person = Person::draw(&mut random);
        let created_at = self.joined(index, &mut random);
        let status =
            random.weighted(&[(78, "active"), (10, "inactive"), (7, "pending"), (5, "suspended")]);
        DemoMember {
            id: id(created_at, &mut random),
            email: format!("{}.{index}@{}", person.mailbox, person.domain),
            first_name: person.first_name,
            last_name: person.last_name,
            status,
            membership_type: random.weighted(&[(62, 0), (27, 1), (8, 2), (3, 3)]),
            created_at,
            last_activity_at: self.last_seen(status, created_at, &mut random),
        }
    }

    /// The days are shared out evenly, and the hours are those in which people are awake.
    fn joined(&self, index: u64, random: &mut Random) -> DateTime<Utc> {
        let total = i64::try_from(self.total.max(1)).unwrap_or(i64::MAX);
        let index = i64::try_from(index).unwrap_or(i64::MAX).min(total - 1);
        let minutes = i128::from(DAYS * 24 * 60) * i128::from(total - index) / i128::from(total);
        let jitter = i64::try_from(random.below(60)).unwrap_or(0);
        self.today - TimeDelta::minutes(i64::try_from(minutes).unwrap_or(0))
            + TimeDelta::seconds(jitter)
    }

    fn last_seen(
        &self,
        status: &str,
        joined: DateTime<Utc>,
        random: &mut Random,
    ) -> Option<DateTime<Utc>> {
        if status == "pending" || random.below(20) == 0 {
            return None;
        }
        // Most were here lately, a few not for long: the cube of an even draw is small mostly.
        let draw = i128::from(random.below(1000));
        let seconds = i128::from((self.today - joined).num_seconds().max(0));
        let ago = seconds * draw * draw * draw / 1_000_000_000;
        Some(self.today - TimeDelta::seconds(i64::try_from(ago).unwrap_or(0)))
    }
}

/// An id that sorts by the time of joining, so that many rows go to the end of the index.
pub(super) fn id(at: DateTime<Utc>, random: &mut Random) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let bytes = (u128::from(random.next()) << 64 | u128::from(random.next())).to_be_bytes();
    let mut tail = [0; 10];
    tail.copy_from_slice(&bytes[..10]);
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use std::collections::HashSet;

    fn people(total: u64) -> People {
        let today = Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap();
        People { seed: 1, today, total }
    }

    #[test]
    fn a_member_is_the_same_every_time() {
        assert_eq!(people(100).member(42), people(100).member(42));
        assert_ne!(people(100).member(42), People { seed: 2, ..people(100) }.member(42));
    }

    #[test]
    fn no_two_members_share_an_address_or_an_id() {
        let all: Vec<_> = (0..5000).map(|index| people(5000).member(index)).collect();
        assert_eq!(all.iter().map(|m| m.email.to_lowercase()).collect::<HashSet<_>>().len(), 5000);
        assert_eq!(all.iter().map(|m| m.id).collect::<HashSet<_>>().len(), 5000);
    }

    #[test]
    fn members_joined_over_two_years_and_were_seen_since() {
        let people = people(1000);
        let all: Vec<_> = (0..1000).map(|index| people.member(index)).collect();
        assert!(all[0].created_at < people.today - TimeDelta::days(729));
        assert!(all[999].created_at > people.today - TimeDelta::days(2));
        for member in &all {
            assert!(member.created_at <= people.today);
            assert!(member.last_activity_at.is_none_or(|seen| seen >= member.created_at));
            assert!(member.last_activity_at.is_none_or(|seen| seen <= people.today));
        }
        for status in ["active", "inactive", "pending", "suspended"] {
            assert!(all.iter().filter(|member| member.status == status).count() > 20, "{status}");
        }
    }

    #[test]
    fn names_and_addresses_fit_what_a_member_may_have() {
        for index in 0..5000 {
            let member = people(5000).member(index);
            assert!((1..=100).contains(&member.first_name.chars().count()));
            assert!((1..=100).contains(&member.last_name.chars().count()));
            assert!(member.email.len() <= 254 && member.email.is_ascii());
            let (mailbox, domain) = member.email.split_once('@').unwrap();
            assert!(mailbox.len() <= 64 && !mailbox.starts_with('.') && !domain.is_empty());
        }
    }
}
