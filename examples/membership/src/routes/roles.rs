//! `/roles`: the roles that every tenant has, and those that it makes for itself.

use axum::extract::{FromRef, State};
use http::StatusCode;
use saas_core::{Clock, Scope};
use saas_rbac::{
    AccessError, Acting,
    role::{Diff, NewRole, Role, RoleId, Roles},
    rules::Rule,
};
use saas_tenancy::db::TenantDb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Created, Id, Idempotent, IfMatch, Json, Made, Tagged};
use crate::{
    access::{
        ApiRouter, MODEL,
        perm::roles::{Manage, Read},
    },
    error::AppError,
    state::AppState,
    version::Expected,
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Read>(), routes!(list))
        .route(Rule::permission::<Manage>(), routes!(create))
        .route(Rule::permission::<Read>(), routes!(get))
        .route(Rule::permission::<Manage>(), routes!(update))
        .route(Rule::permission::<Manage>(), routes!(delete))
        .route(Rule::permission::<Manage>(), routes!(preview))
}

impl FromRef<AppState> for Roles {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.databases.clone(), MODEL, state.clock.clone())
    }
}

/// The roles of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Roles)]
struct RolesView {
    /// The fixed roles, then the tenant's own by name.
    roles: Vec<RoleView>,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(super) struct RoleView {
    /// Its id; `null` for a fixed role, which cannot be changed.
    id: Option<Uuid>,
    #[schema(example = "Front desk")]
    name: String,
    description: String,
    /// The permissions it was given.
    permissions: Vec<String>,
    /// The roles whose permissions it has, too.
    includes: Vec<String>,
    /// All that it gives.
    effective: Vec<String>,
    /// Grows with every change; the same as in the `ETag`. 0 for a fixed role.
    version: i64,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        Self {
            id: role.id.map(RoleId::as_uuid),
            effective: MODEL.names(role.gives),
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            includes: role.includes,
            version: role.version,
        }
    }
}

/// A role as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleInput)]
struct RoleBody {
    /// 1 to 100 characters; no other role has it.
    #[schema(example = "Front desk")]
    name: String,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    description: String,
    /// Permissions, or wildcards that are expanded now: `members:read`, `members:*`.
    #[serde(default)]
    permissions: Vec<String>,
    /// Names of roles to include.
    #[serde(default)]
    includes: Vec<String>,
}

/// A change of a role that is to be looked at first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewRole {
    /// Which of the tenant's own roles.
    role_id: Uuid,
    /// What it would be.
    role: RoleBody,
}

/// What a change of a role would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleDiff)]
struct DiffView {
    /// Permissions that the role would gain.
    added: Vec<String>,
    /// Permissions that it would lose.
    removed: Vec<String>,
    /// Who could do something that they cannot do now.
    gaining: Vec<Uuid>,
    /// Who could no longer do something.
    losing: Vec<Uuid>,
}

impl From<RoleBody> for NewRole {
    fn from(body: RoleBody) -> Self {
        let RoleBody { name, description, permissions, includes } = body;
        Self { name, description, permissions, includes }
    }
}

impl From<Diff> for DiffView {
    fn from(diff: Diff) -> Self {
        let ids =
            |users: Vec<saas_core::UserId>| users.into_iter().map(|one| one.as_uuid()).collect();
        Self {
            added: diff.added,
            removed: diff.removed,
            gaining: ids(diff.gaining),
            losing: ids(diff.losing),
        }
    }
}

fn tagged(role: Role) -> Tagged<RoleView> {
    Tagged { version: role.version, body: role.into() }
}

/// Lists the roles.
#[utoipa::path(
    get, path = "/roles", tag = "roles", operation_id = "list_roles",
    responses((status = OK, body = RolesView)),
)]
async fn list(State(roles): State<Roles>, scope: Scope) -> Result<axum::Json<RolesView>, AppError> {
    let roles = roles.list(&scope).await?;
    Ok(axum::Json(RolesView { roles: roles.into_iter().map(RoleView::from).collect() }))
}

/// Reads one of the tenant's own roles.
#[utoipa::path(
    get, path = "/roles/{id}", tag = "roles", operation_id = "read_role",
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = RoleView, headers(("etag" = String))),
        (status = NOT_FOUND, description = "There is no such role"),
    ),
)]
async fn get(
    State(roles): State<Roles>,
    scope: Scope,
    Id(id): Id<RoleId>,
) -> Result<Tagged<RoleView>, AppError> {
    Ok(tagged(roles.get(&scope, id).await?))
}

/// Makes a role. Nobody puts into it what they may not do themselves.
#[utoipa::path(
    post, path = "/roles", tag = "roles", operation_id = "create_role",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "A repeated request with the same key gets the same answer and makes nothing new"),
    ),
    request_body = RoleBody,
    responses(
        (status = CREATED, body = RoleView, headers(("location" = String), ("etag" = String))),
        (status = CONFLICT, description = "`role_name_taken`, `too_many_roles`"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong; `errors` says which"),
    ),
)]
async fn create(
    State(clock): State<Clock>,
    State(roles): State<Roles>,
    acting: Acting,
    mut db: TenantDb,
    Idempotent { body, ticket }: Idempotent<RoleBody>,
) -> Result<Created, AppError> {
    let mut tx = db.begin().await?;
    if let Some(answer) = ticket.replay(&mut tx, clock.now()).await? {
        return Ok(answer);
    }
    let view = RoleView::from(roles.create(&acting, body.into()).await?);
    let id = view.id.map(|id| id.to_string()).unwrap_or_default();
    let created = ticket.created(&mut tx, Made { id, version: Some(view.version), body: &view });
    let created = created.await?;
    tx.commit().await?;
    Ok(created)
}

/// Changes a role, and with it what everybody may do who has it.
#[utoipa::path(
    put, path = "/roles/{id}", tag = "roles", operation_id = "update_role",
    params(
        ("id" = Uuid, Path),
        ("if-match" = String, Header, description = "The `ETag` that was read, or `*`"),
    ),
    request_body = RoleBody,
    responses(
        (status = OK, body = RoleView, headers(("etag" = String))),
        (status = NOT_FOUND, description = "There is no such role"),
        (status = CONFLICT, description = "`role_name_taken`"),
        (status = PRECONDITION_FAILED, description = "The role was changed since it was read"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the roles would include each other"),
        (status = PRECONDITION_REQUIRED, description = "`If-Match` is missing"),
    ),
)]
async fn update(
    State(roles): State<Roles>,
    acting: Acting,
    Id(id): Id<RoleId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<RoleBody>,
) -> Result<Tagged<RoleView>, AppError> {
    let version = version(&roles, acting.scope(), id, &expected).await?;
    Ok(tagged(roles.update(&acting, id, body.into(), version).await?))
}

/// Deletes a role that nobody needs any more.
#[utoipa::path(
    delete, path = "/roles/{id}", tag = "roles", operation_id = "delete_role",
    params(
        ("id" = Uuid, Path),
        ("if-match" = Option<String>, Header, description = "The `ETag` that was read"),
    ),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "There is no such role"),
        (status = CONFLICT, description = "`role_in_use`: somebody has it, is invited to it, or a role includes it"),
        (status = PRECONDITION_FAILED, description = "The role was changed since it was read"),
    ),
)]
async fn delete(
    State(roles): State<Roles>,
    acting: Acting,
    Id(id): Id<RoleId>,
    expected: Option<IfMatch>,
) -> Result<StatusCode, AppError> {
    let expected = expected.map_or(Expected::Any, |IfMatch(expected)| expected);
    let version = version(&roles, acting.scope(), id, &expected).await?;
    roles.delete(&acting, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a change of a role would do, without doing it.
#[utoipa::path(
    post, path = "/roles/preview", tag = "roles", operation_id = "preview_role",
    request_body = PreviewRole,
    responses(
        (status = OK, body = DiffView),
        (status = NOT_FOUND, description = "There is no such role"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong; `errors` says which"),
    ),
)]
async fn preview(
    State(roles): State<Roles>,
    scope: Scope,
    Json(body): Json<PreviewRole>,
) -> Result<axum::Json<DiffView>, AppError> {
    let diff = roles.preview(&scope, RoleId::from_uuid(body.role_id), &body.role.into()).await?;
    Ok(axum::Json(diff.into()))
}

/// The version that is changed, if it is one that was expected. The change itself refuses when
/// another one comes in between.
async fn version(
    roles: &Roles,
    scope: &Scope,
    id: RoleId,
    expected: &Expected,
) -> Result<i64, AppError> {
    let version = roles.get(scope, id).await?.version;
    if expected.allows(version) { Ok(version) } else { Err(AccessError::Stale.into()) }
}
