use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::AppError,
    input::{Faults, Invalid},
    members::{MemberFilter, MemberStatus, Page, SearchTerm, Sort},
    membership_types::MembershipTypeId,
    routes::extract::{FromParameters, Parameters},
};

/// What a list is asked for.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) filter: MemberFilter,
    pub(super) sort: Sort,
    pub(super) page: Page,
}

impl FromParameters for ListQuery {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let number = parameters.take("page", faults, |text| Page::check_number(integer(text)?));
        let limit = parameters.take("limit", faults, |text| Page::check_limit(integer(text)?));
        let sort = parameters.take("sort", faults, str::parse);
        let filter = MemberFilter::from_parameters(parameters, faults)?;
        let page = Page::new(number.unwrap_or(1), limit.unwrap_or(Page::DEFAULT_LIMIT)).ok()?;
        Some(Self { filter, sort: sort.unwrap_or_default(), page })
    }
}

impl FromParameters for MemberFilter {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        Some(Self {
            search: parameters.take("search", faults, SearchTerm::parse).flatten(),
            status: parameters.take("status", faults, str::parse),
            membership_type: parameters.take("membership_type", faults, type_id),
        })
    }
}

fn integer(text: &str) -> Result<i64, Invalid> {
    text.parse().map_err(|_| Invalid::new("invalid_number", "must be a whole number"))
}

fn type_id(text: &str) -> Result<MembershipTypeId, Invalid> {
    text.parse().map_err(|_| Invalid::new("invalid_id", "must be the id of a membership type"))
}

/// What an export is asked for.
#[derive(Debug)]
pub(super) struct ExportQuery {
    pub(super) filter: MemberFilter,
}

impl FromParameters for ExportQuery {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        parameters.take("format", faults, |text| match text {
            "csv" => Ok(()),
            _ => Err(Invalid::new("invalid_format", "must be `csv`")),
        });
        MemberFilter::from_parameters(parameters, faults).map(|filter| Self { filter })
    }
}

/// Which members are meant, in a body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberFilter)]
pub(super) struct FilterBody {
    /// Those whose names or address contain this.
    #[schema(max_length = 200)]
    search: Option<String>,
    /// Those who stand so.
    status: Option<MemberStatus>,
    /// Those of this tier.
    membership_type: Option<Uuid>,
}

impl FilterBody {
    pub(super) fn parse(self) -> Result<MemberFilter, AppError> {
        let mut faults = Faults::new();
        let search =
            faults.check_some("filter.search", self.search.as_deref().map(SearchTerm::parse));
        faults.finish(Some(MemberFilter {
            search: search.flatten(),
            status: self.status,
            membership_type: self.membership_type.map(MembershipTypeId::from_uuid),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::extract::Query;
    use axum::extract::FromRequestParts;
    use proptest::prelude::*;

    fn read(query: &str) -> Result<ListQuery, AppError> {
        let uri = http::Uri::try_from(format!("/members?{query}")).unwrap();
        let (mut parts, ()) = http::Request::builder().uri(uri).body(()).unwrap().into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Query::from_request_parts(&mut parts, &())).map(|Query(query)| query)
    }

    fn wrong(query: &str) -> Vec<String> {
        let error = read(query).unwrap_err();
        assert_eq!(error.problem().status(), 422);
        error.problem().errors().iter().map(|fault| fault.field.to_string()).collect()
    }

    #[test]
    fn a_list_without_parameters_is_its_first_page_of_the_newest_members() {
        let query = read("").unwrap();
        assert_eq!(query.page, Page::default());
        assert_eq!(query.sort, Sort::default());
        assert_eq!(query.filter, MemberFilter::default());
    }

    #[test]
    fn every_parameter_is_read() {
        let query = read(
            "page=3&limit=50&search=zo%C3%AB+b&status=active&sort=-email\
             &membership_type=018f4d3c-0000-7000-8000-00000000002a",
        )
        .unwrap();
        assert_eq!((query.page.number(), query.page.limit()), (3, 50));
        assert_eq!(query.filter.search.unwrap().as_str(), "zoë b");
        assert_eq!(query.filter.status, Some(MemberStatus::Active));
        assert!(query.filter.membership_type.is_some());
        assert_eq!(query.sort, "-email".parse().unwrap());
    }

    #[test]
    fn every_parameter_that_is_wrong_is_named() {
        assert_eq!(
            wrong("page=0&limit=101&search=a%00b&status=gone&membership_type=1&sort=id&x=1"),
            ["page", "limit", "sort", "search", "status", "membership_type", "x"]
        );
        for query in ["page=", "page=-1", "page=1.5", "page=99999999999999999999", "limit=0"] {
            assert_eq!(wrong(query).len(), 1, "{query}");
        }
    }

    #[test]
    fn a_search_for_nothing_finds_all() {
        assert_eq!(read("search=+").unwrap().filter, MemberFilter::default());
    }

    proptest! {
        #[test]
        fn no_query_makes_the_reader_panic(query in "[a-z_=&%0-9+-]{0,60}") {
            drop(read(&query));
        }
    }
}
