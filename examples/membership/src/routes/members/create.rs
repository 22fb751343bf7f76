use axum::extract::State;
use saas_core::Clock;
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantDb;

use super::body::MemberBody;
use crate::{
    access::perm::members::Create,
    audit_log::{self, action::MEMBER_CREATE},
    error::AppError,
    members::{self, Member},
    routes::extract::{Created, Idempotent, Made},
};

/// Adds a member.
#[utoipa::path(
    post, path = "/members", tag = "members", operation_id = "create_member",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "A repeated request with the same key gets the same answer and makes nothing new"),
    ),
    request_body = MemberBody,
    responses(
        (status = 201, description = "The member that was made", body = Member, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = String, description = "`true` if the answer was given before"),
        )),
        (status = 400, description = "The body is not JSON, or the key is malformed"),
        (status = 409, description = "`email_taken`: a member has this address"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field is wrong, or `idempotency_key_reused`: the key was used for another request"),
    ),
)]
pub(super) async fn create(
    State(clock): State<Clock>,
    may: Granted<Create>,
    mut db: TenantDb,
    Idempotent { body, ticket }: Idempotent<MemberBody>,
) -> Result<Created, AppError> {
    let new = body.into_new(&clock)?;
    let mut tx = db.begin().await?;
    if let Some(answer) = ticket.replay(&mut tx, new.created_at).await? {
        return Ok(answer);
    }
    let member = members::create(&mut tx, &may, &new).await?;
    audit_log::made(&mut tx, &clock, MEMBER_CREATE, ("member", &member.id), &member).await?;
    let made = Made { id: member.id.to_string(), version: Some(member.version), body: &member };
    let created = ticket.created(&mut tx, made).await?;
    tx.commit().await?;
    Ok(created)
}
