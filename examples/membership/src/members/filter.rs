use super::MemberStatus;
use crate::{
    input::{Invalid, line},
    membership_types::MembershipTypeId,
};

/// Which members are meant. What is left out does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberFilter {
    /// Those whose names or address contain this.
    pub search: Option<SearchTerm>,
    /// Those who stand so.
    pub status: Option<MemberStatus>,
    /// Those of this tier.
    pub membership_type: Option<MembershipTypeId>,
}

/// A text to look for: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// How many characters a term may have.
    pub const MAX_CHARS: usize = 200;

    /// Reads a term. White space around it is dropped; `None` if nothing is left, because a search
    /// for nothing finds everything.
    ///
    /// # Errors
    /// [`Invalid`] with the code `too_long` or `invalid_characters`.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        line(text, Self::MAX_CHARS).map(|term| Some(Self(term.to_owned())))
    }

    /// The term.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The conditions of a filter as SQL. Only names and numbers of this module go into the text; the
/// values travel as arguments, bound by [`bind`](Conditions::bind) in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conditions {
    search: Part,
    status: Part,
    membership_type: Part,
}

/// Whether a filter has a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Present,
    Absent,
}

impl Part {
    const BOTH: [Self; 2] = [Self::Absent, Self::Present];

    fn of<T>(value: Option<&T>) -> Self {
        if value.is_some() { Self::Present } else { Self::Absent }
    }
}

impl Conditions {
    pub(super) fn of(filter: &MemberFilter) -> Self {
        Self {
            search: Part::of(filter.search.as_ref()),
            status: Part::of(filter.status.as_ref()),
            membership_type: Part::of(filter.membership_type.as_ref()),
        }
    }

    /// Every combination there is.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Part::BOTH.into_iter().flat_map(|search| {
            Part::BOTH.into_iter().flat_map(move |status| {
                Part::BOTH.into_iter().map(move |membership_type| Self {
                    search,
                    status,
                    membership_type,
                })
            })
        })
    }

    /// Whether every member is meant.
    pub(super) fn are_none(self) -> bool {
        self == Self::of(&MemberFilter::default())
    }

    /// Whether only the text can tell who is meant, so that the counters do not know how many.
    pub(super) fn need_search(self) -> bool {
        self.search == Part::Present
    }

    /// A `where` clause, empty if every member is meant. The first argument has the number `first`.
    pub(super) fn clause(self, first: usize) -> String {
        let parts = self.parts(first);
        if parts.is_empty() { parts } else { format!(" where {parts}") }
    }

    /// The conditions behind ` and `, each with an ` and ` in front.
    pub(super) fn and_clause(self, first: usize) -> String {
        let parts = self.parts(first);
        if parts.is_empty() { parts } else { format!(" and {parts}") }
    }

    fn parts(self, first: usize) -> String {
        let known = [
            (self.status, "status = $", ""),
            (self.membership_type, "membership_type_id = $", ""),
            (self.search, "id in (select members_search($", "))"),
        ];
        let present = known.into_iter().filter(|(part, ..)| *part == Part::Present);
        let numbered =
            present.zip(first..).map(|((_, open, close), number)| format!("{open}{number}{close}"));
        numbered.collect::<Vec<_>>().join(" and ")
    }
}

/// Binds the values of a filter, in the order of its [`Conditions`].
macro_rules! bind_filter {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        if let Some(status) = $filter.status {
            query = query.bind(status.as_str());
        }
        if let Some(membership_type) = $filter.membership_type {
            query = query.bind(membership_type.as_uuid());
        }
        if let Some(search) = &$filter.search {
            query = query.bind(search.as_str());
        }
        query
    }};
}
pub(super) use bind_filter;
