use axum::extract::State;
use http::StatusCode;
use saas_core::{Clock, auth::Principal};
use saas_rbac::require::{Granted, NotGranted};
use saas_tenancy::db::{TenantDb, TenantTx};

use super::body::MemberBody;
use crate::{
    access::perm::members::{Deactivate, Update},
    audit_log::{
        self,
        action::{MEMBER_DEACTIVATE, MEMBER_UPDATE},
    },
    error::AppError,
    members::{self, Member, MemberId, MemberStatus},
    routes::extract::{Id, IfMatch, Json, Tagged},
    version::Expected,
};

/// Reads a member.
#[utoipa::path(
    get, path = "/members/{id}", tag = "members", operation_id = "read_member",
    params(("id" = Uuid, Path, description = "Which member")),
    responses(
        (status = 200, description = "The member", body = Member, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 404, description = "There is no such member"),
    ),
)]
pub(super) async fn get(
    mut db: TenantDb,
    Id(id): Id<MemberId>,
) -> Result<Tagged<Member>, AppError> {
    let mut tx = db.begin().await?;
    let member = members::get(&mut tx, id).await?;
    Ok(tagged(member))
}

/// Changes a member.
#[utoipa::path(
    put, path = "/members/{id}", tag = "members", operation_id = "update_member",
    params(
        ("id" = Uuid, Path, description = "Which member"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read, or `*`"),
    ),
    request_body = MemberBody,
    responses(
        (status = 200, description = "The member as it is now", body = Member, headers(
            ("ETag" = String, description = "Its new version"),
        )),
        (status = 400, description = "The body is not JSON, or `If-Match` is malformed"),
        (status = 404, description = "There is no such member"),
        (status = 409, description = "`email_taken`: another member has this address"),
        (status = 412, description = "The member was changed since it was read"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field is wrong; `errors` says which"),
        (status = 428, description = "`If-Match` is missing"),
    ),
)]
pub(super) async fn update(
    State(clock): State<Clock>,
    may: Granted<Update>,
    principal: Principal,
    mut db: TenantDb,
    Id(id): Id<MemberId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<MemberBody>,
) -> Result<Tagged<Member>, AppError> {
    let mut change = body.into_change(clock.now())?;
    let mut tx = db.begin().await?;
    if change.status == Some(MemberStatus::Inactive)
        && let Err(denied) = Granted::<Deactivate>::of(&principal)
    {
        stays_inactive(&mut tx, id, denied).await?;
        change.status = None;
    }
    let before = members::get(&mut tx, id).await?;
    let member = members::update(&mut tx, &may, id, &expected, &change).await?;
    let states = (&before, &member);
    audit_log::changed(&mut tx, &clock, MEMBER_UPDATE, ("member", &id), states).await?;
    tx.commit().await?;
    Ok(tagged(member))
}

/// Somebody who may not deactivate may still repeat that an inactive member is inactive.
async fn stays_inactive(
    tx: &mut TenantTx<'_>,
    id: MemberId,
    denied: NotGranted,
) -> Result<(), AppError> {
    let before = members::get(tx, id).await?;
    if before.status == MemberStatus::Inactive { Ok(()) } else { Err(denied.into()) }
}

/// Deactivates a member. The row stays; repeating it changes nothing.
#[utoipa::path(
    delete, path = "/members/{id}", tag = "members", operation_id = "deactivate_member",
    params(
        ("id" = Uuid, Path, description = "Which member"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read"),
    ),
    responses(
        (status = 204, description = "The member is inactive"),
        (status = 404, description = "There is no such member"),
        (status = 412, description = "The member was changed since it was read"),
    ),
)]
pub(super) async fn deactivate(
    State(clock): State<Clock>,
    may: Granted<Deactivate>,
    mut db: TenantDb,
    Id(id): Id<MemberId>,
    expected: Option<IfMatch>,
) -> Result<StatusCode, AppError> {
    let expected = expected.map_or(Expected::Any, |IfMatch(expected)| expected);
    let mut tx = db.begin().await?;
    let before = members::get(&mut tx, id).await?;
    members::deactivate(&mut tx, &may, id, &expected, clock.now()).await?;
    let states = (&before, &members::get(&mut tx, id).await?);
    audit_log::changed(&mut tx, &clock, MEMBER_DEACTIVATE, ("member", &id), states).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tagged(member: Member) -> Tagged<Member> {
    Tagged { version: member.version, body: member }
}
