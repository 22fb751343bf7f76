use std::str::FromStr;

use crate::input::Invalid;

/// The order of a list. The id comes last in each, so that equal rows keep their places from page
/// to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub column: SortColumn,
    /// Which way.
    pub direction: Direction,
}

/// What a list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortColumn {
    /// The first name.
    FirstName,
    /// The last name.
    LastName,
    /// The address.
    Email,
    /// The status, by its name.
    Status,
    /// The time it was made.
    CreatedAt,
    /// The time the person was last seen. Never is longest ago.
    LastActivityAt,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest, or the oldest.
    Ascending,
    /// From the largest, or the newest.
    Descending,
}

impl Default for Sort {
    /// The newest members first.
    fn default() -> Self {
        Self { column: SortColumn::CreatedAt, direction: Direction::Descending }
    }
}

impl SortColumn {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Status,
        Self::CreatedAt,
        Self::LastActivityAt,
    ];

    /// The name of the column in the database and in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Status => "status",
            Self::CreatedAt => "created_at",
            Self::LastActivityAt => "last_activity_at",
        }
    }
}

impl FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, direction) = match text.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (text, Direction::Ascending),
        };
        let column = SortColumn::ALL.into_iter().find(|column| column.as_str() == name);
        column.map(|column| Self { column, direction }).ok_or_else(|| {
            Invalid::new(
                "invalid_sort",
                "must be one of `first_name`, `last_name`, `email`, `status`, `created_at`, \
                 `last_activity_at`, with `-` in front to descend",
            )
        })
    }
}

impl Sort {
    /// Every order there is.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        SortColumn::ALL.into_iter().flat_map(|column| {
            [Direction::Ascending, Direction::Descending]
                .into_iter()
                .map(move |direction| Self { column, direction })
        })
    }

    /// The same order from the other end.
    pub(super) const fn reversed(self) -> Self {
        let direction = match self.direction {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        };
        Self { direction, ..self }
    }

    /// The order as SQL, of columns of `table`. It is the order of an index, or its reverse.
    pub(super) fn order_by(self, table: &str) -> String {
        let (way, nulls) = match self.direction {
            Direction::Ascending => ("", " nulls first"),
            Direction::Descending => (" desc", " nulls last"),
        };
        let nulls = if self.column == SortColumn::LastActivityAt { nulls } else { "" };
        let column = self.column.as_str();
        format!("order by {table}.{column}{way}{nulls}, {table}.id{way}")
    }
}

/// A part of a list, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    number: i64,
    limit: i64,
}

impl Default for Page {
    fn default() -> Self {
        Self { number: 1, limit: Self::DEFAULT_LIMIT }
    }
}

impl Page {
    /// How many rows a page has unless the client says otherwise.
    pub const DEFAULT_LIMIT: i64 = 20;

    /// How many rows a page may have.
    pub const MAX_LIMIT: i64 = 100;

    /// The highest number of a page.
    pub const MAX_NUMBER: i64 = 1_000_000_000;

    /// The page with this number, counted from 1, of `limit` rows.
    ///
    /// # Errors
    /// [`Invalid`] for the first of the two that is out of range.
    pub fn new(number: i64, limit: i64) -> Result<Self, Invalid> {
        Ok(Self { number: Self::check_number(number)?, limit: Self::check_limit(limit)? })
    }

    /// A number that a page can have.
    ///
    /// # Errors
    /// [`Invalid`] with the code `out_of_range`.
    pub fn check_number(number: i64) -> Result<i64, Invalid> {
        let range = 1..=Self::MAX_NUMBER;
        range
            .contains(&number)
            .then_some(number)
            .ok_or_else(|| Invalid::new("out_of_range", "must be from 1 to 1000000000"))
    }

    /// A number of rows that a page can have.
    ///
    /// # Errors
    /// [`Invalid`] with the code `out_of_range`.
    pub fn check_limit(limit: i64) -> Result<i64, Invalid> {
        let range = 1..=Self::MAX_LIMIT;
        range
            .contains(&limit)
            .then_some(limit)
            .ok_or_else(|| Invalid::new("out_of_range", "must be from 1 to 100"))
    }

    /// Its number, counted from 1.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.number
    }

    /// How many rows it has at most.
    #[must_use]
    pub const fn limit(self) -> i64 {
        self.limit
    }

    /// How many rows lie before it.
    #[must_use]
    pub const fn offset(self) -> i64 {
        // Both are bounded, so this is below 10^11.
        (self.number - 1) * self.limit
    }

    /// How many pages `total` rows fill.
    #[must_use]
    pub const fn pages(self, total: i64) -> i64 {
        (total + self.limit - 1) / self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sort_is_a_column_with_an_optional_minus() {
        let sort: Sort = "-last_name".parse().unwrap();
        assert_eq!(sort, Sort { column: SortColumn::LastName, direction: Direction::Descending });
        assert_eq!("email".parse::<Sort>().unwrap().direction, Direction::Ascending);
    }

    #[test]
    fn what_is_no_column_cannot_be_sorted_by() {
        for text in ["", "-", "--email", "id", "Email", "email desc", "email;drop table members"] {
            assert_eq!(text.parse::<Sort>().unwrap_err().code, "invalid_sort", "{text}");
        }
    }

    #[test]
    fn every_order_ends_with_the_id_in_the_same_direction() {
        for sort in Sort::all() {
            let sql = sort.order_by("m");
            let way = if sort.direction == Direction::Descending { " desc" } else { "" };
            assert!(sql.ends_with(&format!(", m.id{way}")), "{sql}");
            assert_eq!(sort.reversed().reversed(), sort);
        }
    }

    #[test]
    fn whoever_was_never_active_counts_as_active_longest_ago() {
        let order = |text: &str| text.parse::<Sort>().unwrap().order_by("m");
        assert!(order("last_activity_at").contains("nulls first"));
        assert!(order("-last_activity_at").contains("desc nulls last"));
    }

    #[test]
    fn pages_are_counted_from_one_and_bounded() {
        assert!(Page::new(0, 20).is_err());
        assert!(Page::new(1, 0).is_err());
        assert!(Page::new(1, 101).is_err());
        assert!(Page::new(i64::MAX, 100).is_err());
        assert_eq!(Page::new(3, 20).unwrap().offset(), 40);
    }

    proptest! {
        #[test]
        fn the_pages_hold_all_rows_and_no_page_is_empty(total in 0_i64..1_000_000, limit in 1_i64..=100) {
            let pages = Page::new(1, limit).unwrap().pages(total);
            prop_assert!(pages * limit >= total);
            prop_assert!((pages - 1).max(0) * limit < total.max(1));
        }
    }
}
