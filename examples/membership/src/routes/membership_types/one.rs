use axum::extract::State;
use http::StatusCode;
use saas_core::Clock;
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantDb;

use super::body::MembershipTypeBody;
use crate::{
    access::perm::membership_types::Manage,
    audit_log::{
        self,
        action::{TYPE_DELETE, TYPE_UPDATE},
    },
    error::AppError,
    membership_types::{self, MembershipType, MembershipTypeId},
    routes::extract::{Id, IfMatch, Json, Tagged},
    version::Expected,
};

/// Reads a membership type.
#[utoipa::path(
    get, path = "/membership-types/{id}", tag = "membership types", operation_id = "read_membership_type",
    params(("id" = Uuid, Path, description = "Which type")),
    responses(
        (status = 200, description = "The type", body = MembershipType, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 404, description = "There is no such type"),
    ),
)]
pub(super) async fn get(
    mut db: TenantDb,
    Id(id): Id<MembershipTypeId>,
) -> Result<Tagged<MembershipType>, AppError> {
    let mut tx = db.begin().await?;
    let found = membership_types::get(&mut tx, id).await?;
    Ok(Tagged { version: found.version, body: found })
}

/// Changes a membership type.
#[utoipa::path(
    put, path = "/membership-types/{id}", tag = "membership types", operation_id = "update_membership_type",
    params(
        ("id" = Uuid, Path, description = "Which type"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read, or `*`"),
    ),
    request_body = MembershipTypeBody,
    responses(
        (status = 200, description = "The type as it is now", body = MembershipType, headers(
            ("ETag" = String, description = "Its new version"),
        )),
        (status = 400, description = "The body is not JSON, or `If-Match` is malformed"),
        (status = 404, description = "There is no such type"),
        (status = 409, description = "`name_taken`: another type has this name"),
        (status = 412, description = "The type was changed since it was read"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field is wrong; `errors` says which"),
        (status = 428, description = "`If-Match` is missing"),
    ),
)]
pub(super) async fn update(
    State(clock): State<Clock>,
    may: Granted<Manage>,
    mut db: TenantDb,
    Id(id): Id<MembershipTypeId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<MembershipTypeBody>,
) -> Result<Tagged<MembershipType>, AppError> {
    let change = body.into_change(clock.now())?;
    let mut tx = db.begin().await?;
    let before = membership_types::get(&mut tx, id).await?;
    let changed = membership_types::update(&mut tx, &may, id, &expected, &change).await?;
    let states = (&before, &changed);
    audit_log::changed(&mut tx, &clock, TYPE_UPDATE, ("membership_type", &id), states).await?;
    tx.commit().await?;
    Ok(Tagged { version: changed.version, body: changed })
}

/// Deletes a membership type that nobody belongs to.
#[utoipa::path(
    delete, path = "/membership-types/{id}", tag = "membership types", operation_id = "delete_membership_type",
    params(
        ("id" = Uuid, Path, description = "Which type"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read"),
    ),
    responses(
        (status = 204, description = "The type is gone"),
        (status = 404, description = "There is no such type"),
        (status = 409, description = "`membership_type_in_use`: members belong to it"),
        (status = 412, description = "The type was changed since it was read"),
    ),
)]
pub(super) async fn delete(
    State(clock): State<Clock>,
    may: Granted<Manage>,
    mut db: TenantDb,
    Id(id): Id<MembershipTypeId>,
    expected: Option<IfMatch>,
) -> Result<StatusCode, AppError> {
    let expected = expected.map_or(Expected::Any, |IfMatch(expected)| expected);
    let mut tx = db.begin().await?;
    let before = membership_types::get(&mut tx, id).await?;
    membership_types::delete(&mut tx, &may, id, &expected).await?;
    audit_log::removed(&mut tx, &clock, TYPE_DELETE, ("membership_type", &id), &before).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
