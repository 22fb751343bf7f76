use axum::extract::State;
use saas_core::Clock;
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantDb;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::MembershipTypeBody;
use crate::{
    access::perm::membership_types::Manage,
    audit_log::{self, action::TYPE_CREATE},
    error::AppError,
    membership_types::{self, MembershipType, MembershipTypeId},
    routes::extract::{Created, Idempotent, Made},
};

/// All membership types.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MembershipTypeList {
    /// The types, by name.
    membership_types: Vec<MembershipType>,
}

/// Lists the membership types.
#[utoipa::path(
    get, path = "/membership-types", tag = "membership types", operation_id = "list_membership_types",
    responses((status = 200, description = "All types, by name", body = MembershipTypeList)),
)]
pub(super) async fn list(mut db: TenantDb) -> Result<axum::Json<MembershipTypeList>, AppError> {
    let mut tx = db.begin().await?;
    let membership_types = membership_types::list(&mut tx).await?;
    Ok(axum::Json(MembershipTypeList { membership_types }))
}

/// Adds a membership type.
#[utoipa::path(
    post, path = "/membership-types", tag = "membership types", operation_id = "create_membership_type",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "A repeated request with the same key gets the same answer and makes nothing new"),
    ),
    request_body = MembershipTypeBody,
    responses(
        (status = 201, description = "The type that was made", body = MembershipType, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = String, description = "`true` if the answer was given before"),
        )),
        (status = 400, description = "The body is not JSON, or the key is malformed"),
        (status = 409, description = "`name_taken`, or `membership_types_full`"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field is wrong, or `idempotency_key_reused`: the key was used for another request"),
    ),
)]
pub(super) async fn create(
    State(clock): State<Clock>,
    may: Granted<Manage>,
    mut db: TenantDb,
    Idempotent { body, ticket }: Idempotent<MembershipTypeBody>,
) -> Result<Created, AppError> {
    let new = body.into_change(clock.now())?;
    let id = MembershipTypeId::generate(&clock);
    let mut tx = db.begin().await?;
    if let Some(answer) = ticket.replay(&mut tx, new.at).await? {
        return Ok(answer);
    }
    let made = membership_types::create(&mut tx, &may, id, &new).await?;
    audit_log::made(&mut tx, &clock, TYPE_CREATE, ("membership_type", &id), &made).await?;
    let made = Made { id: made.id.to_string(), version: Some(made.version), body: &made };
    let created = ticket.created(&mut tx, made).await?;
    tx.commit().await?;
    Ok(created)
}
