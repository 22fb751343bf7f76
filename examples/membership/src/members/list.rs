//! One page of the members, with the exact number of all that match, in one statement.
//!
//! 1. The number comes from `member_counts`; only a search counts its matches.
//! 2. A page that lies near the start is read off the index of its order. The planner is told so by
//!    a constant limit around the scan; the numbers of the client are hidden from it in
//!    sub-selects. So it makes the same plan whatever they are, and keeps it prepared.
//! 3. A page that lies deep is found by its ids in the index alone, from the nearer end, and only
//!    its own rows are fetched.
//! 4. No scan goes on behind the last row that matches: the total says when to stop.

use saas_tenancy::db::TenantTx;
use sqlx::AssertSqlSafe;

use super::{
    Member, MemberFilter, Page, Sort,
    conditions::{Conditions, bind},
    error::MemberError,
    member::COLUMNS,
};

/// Pages that end before this row are read from the start.
const NEAR: i64 = 500;

/// A page of members and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPage {
    /// The members of the page, in order. Empty behind the last page.
    pub members: Vec<Member>,
    /// How many members match the filter, on all pages together.
    pub total: i64,
}

/// The members that match `filter`, ordered by `sort`, of one `page`.
///
/// # Errors
/// [`MemberError::Database`] if the statement fails.
pub async fn list(
    tx: &mut TenantTx<'_>,
    filter: &MemberFilter,
    sort: Sort,
    page: Page,
) -> Result<MemberPage, MemberError> {
    let way = Way::to(Conditions::of(filter), page);
    let sql = statement(way, Conditions::of(filter), sort);
    let query = sqlx::query(AssertSqlSafe(sql)).bind(page.limit()).bind(page.offset());
    let rows = bind(query, filter).fetch_all(&mut *tx).await?;
    let total = rows.first().map_or(Ok(0), |row| sqlx::Row::try_get(row, 0))?;
    let members = rows.iter().filter_map(|row| Member::from_nullable_row(row, 1).transpose());
    Ok(MemberPage { members: members.collect::<Result<_, _>>()?, total })
}

/// How a page is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All members, near the start: the rows come straight off the index.
    Direct,
    /// Some of the members, near the start of them.
    Near,
    /// Deep: by ids, from the nearer end.
    Far,
    /// By text.
    Search,
}

impl Way {
    const ALL: [Self; 4] = [Self::Direct, Self::Near, Self::Far, Self::Search];

    fn to(conditions: Conditions, page: Page) -> Self {
        if conditions.need_search() {
            Self::Search
        } else if page.offset() + page.limit() > NEAR {
            Self::Far
        } else if conditions.are_none() {
            Self::Direct
        } else {
            Self::Near
        }
    }

    fn serves(self, conditions: Conditions) -> bool {
        match self {
            Self::Direct => conditions.are_none(),
            Self::Near | Self::Far => !conditions.need_search(),
            Self::Search => conditions.need_search(),
        }
    }
}

/// The text for one way, shape of filter and order: some 200 of them, each the same every time.
fn statement(way: Way, conditions: Conditions, sort: Sort) -> String {
    match way {
        Way::Direct => direct(sort),
        Way::Near => near(conditions, sort),
        Way::Far => far(conditions, sort),
        Way::Search => search(conditions, sort),
    }
}

/// Every text that [`list`] can send.
pub(super) fn statements() -> Vec<String> {
    let mut texts = Vec::new();
    for conditions in Conditions::all() {
        for sort in Sort::all() {
            let ways = Way::ALL.into_iter().filter(|way| way.serves(conditions));
            texts.extend(ways.map(|way| statement(way, conditions, sort)));
        }
    }
    texts
}

fn direct(sort: Sort) -> String {
    let (inner, outer, last) = (sort.order_by("members"), sort.order_by("s"), sort.order_by("m"));
    format!(
        "select c.total, {COLUMNS}
         from (select coalesce(sum(n), 0)::bigint as total from member_counts) c
         left join (
             (select s.id, s.first_name, s.last_name, s.email, s.status, s.membership_type_id,
                  s.created_at, s.updated_at, s.last_activity_at, s.version
              from (select id, first_name, last_name, email, status, membership_type_id,
                        created_at, updated_at, last_activity_at, version
                    from members {inner} limit {NEAR}) s
              {outer} limit (select $1::bigint) offset (select $2::bigint)) m
             join membership_types t on t.id = m.membership_type_id
         ) on true
         {last}"
    )
}

fn near(conditions: Conditions, sort: Sort) -> String {
    let column = sort.column.as_str();
    let (inner, outer) = (sort.order_by("members"), sort.order_by("s"));
    let filter = conditions.clause(3);
    let page = format!(
        "select s.id from (
             select id, {column} from members{filter} {inner} limit {NEAR}
         ) s {outer}
         limit (select least($1::bigint, greatest(total - $2::bigint, 0)) from total)
         offset (select $2::bigint)"
    );
    page_of_ids(&counted(conditions), &page, sort)
}

fn far(conditions: Conditions, sort: Sort) -> String {
    let filter = conditions.clause(3);
    let (forth, back) = (sort.order_by("members"), sort.reversed().order_by("members"));
    let part = "part as materialized (
            select least($1::bigint, greatest(total - $2::bigint, 0)) as size,
                greatest(total - $2::bigint - $1::bigint, 0) as behind
            from total)";
    let page = format!(
        "select id from (
             (select id from members{filter} {forth}
              limit (select case when behind >= $2::bigint then size else 0 end from part)
              offset (select $2::bigint))
             union all
             (select id from members{filter} {back}
              limit (select case when behind < $2::bigint then size else 0 end from part)
              offset (select behind from part))
         ) both_ends limit {max}",
        max = Page::MAX_LIMIT,
    );
    page_of_ids(&format!("{}, {part}", counted(conditions)), &page, sort)
}

fn search(conditions: Conditions, sort: Sort) -> String {
    let column = sort.column.as_str();
    let rows = conditions.rows(3);
    let order = sort.order_by("found");
    let totals = format!(
        "with found as materialized (select id, {column} from {rows}),
         total as materialized (select count(*) as total from found)"
    );
    let page = format!(
        "select id from (
             select id from found {order} limit (select $1::bigint) offset (select $2::bigint)
         ) s limit {max}",
        max = Page::MAX_LIMIT,
    );
    page_of_ids(&totals, &page, sort)
}

/// The total, from the counters.
fn counted(conditions: Conditions) -> String {
    format!(
        "with total as materialized (
             select coalesce(sum(n), 0)::bigint as total from member_counts{})",
        conditions.clause(3)
    )
}

/// The total beside the rows of a page, or beside nulls if the page is empty.
fn page_of_ids(totals: &str, page: &str, sort: Sort) -> String {
    let order = sort.order_by("m");
    format!(
        "{totals}
         select total.total, {COLUMNS}
         from total
         left join (
             ({page}) p
             join members m on m.id = p.id
             join membership_types t on t.id = m.membership_type_id
         ) on true
         {order}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::{MemberStatus, SearchTerm};

    fn way(filter: &MemberFilter, number: i64) -> Way {
        Way::to(Conditions::of(filter), Page::new(number, 50).unwrap())
    }

    #[test]
    fn the_first_pages_come_straight_off_the_index() {
        assert_eq!(way(&MemberFilter::default(), 1), Way::Direct);
        assert_eq!(way(&MemberFilter::default(), 10), Way::Direct);
        assert_eq!(way(&MemberFilter::default(), 11), Way::Far);
    }

    #[test]
    fn only_a_search_counts_its_matches() {
        let active = MemberFilter { status: Some(MemberStatus::Active), ..MemberFilter::default() };
        assert_eq!(way(&active, 1), Way::Near);
        let found = MemberFilter { search: SearchTerm::parse("ann").unwrap(), ..active };
        assert_eq!(way(&found, 1), Way::Search);
        for conditions in Conditions::all() {
            for way in Way::ALL.into_iter().filter(|way| way.serves(conditions)) {
                let sql = statement(way, conditions, Sort::default());
                assert_eq!(sql.contains("count(*)"), way == Way::Search, "{sql}");
            }
        }
    }

    #[test]
    fn the_text_does_not_depend_on_the_values() {
        let by = |term: &str| MemberFilter {
            search: SearchTerm::parse(term).unwrap(),
            ..MemberFilter::default()
        };
        let text =
            |filter: &MemberFilter| statement(Way::Search, Conditions::of(filter), Sort::default());
        assert_eq!(text(&by("ann")), text(&by("'; drop table members; --")));
    }

    #[test]
    fn each_combination_has_a_text_of_its_own() {
        let mut texts = statements();
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all);
        assert!(texts.iter().all(|text| !text.contains("tenant_id")));
    }
}
