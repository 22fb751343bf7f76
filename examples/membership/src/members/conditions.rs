//! A filter as SQL: texts from here only, values as arguments only.

use sqlx::{Postgres, postgres::PgArguments, query::Query};

use super::MemberFilter;

/// The shape of a filter: which of its parts are there, whatever their values. The values are bound
/// by [`bind`] in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conditions {
    status: Option<Condition>,
    membership_type: Option<Condition>,
    search: Option<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Status,
    MembershipType,
    /// Found by the index of text.
    Indexed,
    /// Too short for the index, which would be read whole: the tenant's rows are looked at instead.
    Scanned,
}

impl Condition {
    /// The condition with its argument number `n`.
    fn sql(self, n: usize) -> String {
        match self {
            Self::Status => format!("status = ${n}"),
            Self::MembershipType => format!("membership_type_id = ${n}"),
            Self::Indexed => format!("id in (select id from members_search(${n}))"),
            Self::Scanned => format!("search_text like lower(${n})"),
        }
    }
}

impl Conditions {
    pub(super) fn of(filter: &MemberFilter) -> Self {
        let search = filter.search.as_ref().map(|term| match term.is_indexed() {
            true => Condition::Indexed,
            false => Condition::Scanned,
        });
        Self {
            status: filter.status.map(|_| Condition::Status),
            membership_type: filter.membership_type.map(|_| Condition::MembershipType),
            search,
        }
    }

    /// Every shape there is.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for status in [None, Some(Condition::Status)] {
            for membership_type in [None, Some(Condition::MembershipType)] {
                for search in [None, Some(Condition::Indexed), Some(Condition::Scanned)] {
                    all.push(Self { status, membership_type, search });
                }
            }
        }
        all
    }

    /// Whether every member is meant.
    pub(super) fn are_none(self) -> bool {
        self == Self::of(&MemberFilter::default())
    }

    /// Whether only the text can tell who is meant, so that the counters do not know how many.
    pub(super) fn need_search(self) -> bool {
        self.search.is_some()
    }

    /// A `where` clause, empty if every member is meant. The first argument has the number `first`.
    pub(super) fn clause(self, first: usize) -> String {
        let joined = self.joined(first);
        if joined.is_empty() { joined } else { format!(" where {joined}") }
    }

    /// The same to follow another condition.
    pub(super) fn and_clause(self, first: usize) -> String {
        let joined = self.joined(first);
        if joined.is_empty() { joined } else { format!(" and {joined}") }
    }

    /// What to select from, where and all, in a statement that only reads: rows that the index of
    /// text has found need not be looked up again.
    pub(super) fn rows(self, first: usize) -> String {
        match self.search {
            Some(Condition::Indexed) => {
                let others = Self { search: None, ..self };
                let n = first + others.present().count();
                format!("members_search(${n}) members{}", others.clause(first))
            }
            _ => format!("members{}", self.clause(first)),
        }
    }

    fn joined(self, first: usize) -> String {
        let numbered = self.present().zip(first..).map(|(condition, n)| condition.sql(n));
        numbered.collect::<Vec<_>>().join(" and ")
    }

    fn present(self) -> impl Iterator<Item = Condition> {
        [self.status, self.membership_type, self.search].into_iter().flatten()
    }
}

/// Binds the values of a filter, in the order of its [`Conditions`].
pub(super) fn bind<'q>(
    mut query: Query<'q, Postgres, PgArguments>,
    filter: &'q MemberFilter,
) -> Query<'q, Postgres, PgArguments> {
    if let Some(status) = filter.status {
        query = query.bind(status.as_str());
    }
    if let Some(membership_type) = filter.membership_type {
        query = query.bind(membership_type.as_uuid());
    }
    match &filter.search {
        Some(term) if term.is_indexed() => query.bind(term.as_str()),
        Some(term) => query.bind(term.pattern()),
        None => query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::{MemberStatus, SearchTerm};

    #[test]
    fn arguments_are_numbered_from_where_they_start() {
        let filter = MemberFilter {
            search: SearchTerm::parse("ann").unwrap(),
            status: Some(MemberStatus::Active),
            membership_type: None,
        };
        assert_eq!(
            Conditions::of(&filter).clause(3),
            " where status = $3 and id in (select id from members_search($4))"
        );
        assert_eq!(Conditions::of(&filter).rows(3), "members_search($4) members where status = $3");
        assert_eq!(Conditions::of(&MemberFilter::default()).clause(3), "");
        assert_eq!(Conditions::of(&MemberFilter::default()).rows(3), "members");
    }
}
