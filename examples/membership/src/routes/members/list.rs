use saas_tenancy::db::TenantDb;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::ListQuery;
use crate::{
    error::AppError,
    members::{self, Member, MemberPage, MemberStatus},
    routes::extract::Query,
};

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemberList {
    /// The members of the page, in order.
    members: Vec<Member>,
    /// Where the page lies.
    pagination: Pagination,
}

/// Where a page lies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pagination {
    /// Its number, counted from 1.
    page: i64,
    /// How many members a page has.
    limit: i64,
    /// How many members match, on all pages together. Exact.
    total: i64,
    /// How many pages there are.
    pages: i64,
}

/// Lists members, page by page.
///
/// A page behind the last one is empty.
#[utoipa::path(
    get, path = "/members", tag = "members", operation_id = "list_members",
    params(
        ("page" = Option<i64>, Query, minimum = 1, maximum = 1_000_000_000, description = "Number of the page, 1 by default"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100, description = "Members per page, 20 by default"),
        ("search" = Option<String>, Query, max_length = 200, description = "Text that names or address contain, whatever its case"),
        ("status" = Option<MemberStatus>, Query, description = "Only members who stand so"),
        ("membership_type" = Option<Uuid>, Query, description = "Only members of this type, by its id"),
        ("sort" = Option<String>, Query, example = "-last_name", description = "`first_name`, `last_name`, `email`, `status`, `created_at` or `last_activity_at`; `-` in front descends; `-created_at` by default"),
    ),
    responses(
        (status = 200, description = "The page", body = MemberList),
        (status = 422, description = "A parameter is wrong; `errors` says which"),
    ),
)]
pub(super) async fn list(
    mut db: TenantDb,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<MemberList>, AppError> {
    let ListQuery { filter, sort, page } = query;
    let mut tx = db.begin().await?;
    let MemberPage { members, total } = members::list(&mut tx, &filter, sort, page).await?;
    // Nothing was changed: dropping the transaction does not wait for its end.
    drop(tx);
    let pagination =
        Pagination { page: page.number(), limit: page.limit(), total, pages: page.pages(total) };
    Ok(axum::Json(MemberList { members, pagination }))
}
