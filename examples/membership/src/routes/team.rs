//! `/team`: the people who sign in, and their roles.

use axum::extract::{FromRef, State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{Problem, Scope, UserId, auth::Principal};
use saas_rbac::{
    AccessError, Acting,
    require::Granted,
    rules::Rule,
    team::{Team, TeamMember},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Id, IfMatch, Json, Tagged};
use crate::{
    access::{
        ApiRouter, MODEL,
        perm::team::{Read, Remove, TransferOwnership, UpdateRole},
    },
    error::AppError,
    state::AppState,
    version::Expected,
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Read>(), routes!(list))
        .route(Rule::permission::<Read>(), routes!(get))
        .route(Rule::permission::<UpdateRole>(), routes!(change_role))
        // Everybody may leave; to remove somebody else takes the permission.
        .route(Rule::signed_in(), routes!(remove))
        .route(Rule::permission::<TransferOwnership>(), routes!(transfer_ownership))
}

impl FromRef<AppState> for Team {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.databases.clone(), MODEL, state.clock.clone())
    }
}

/// Everybody who signs in to the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
struct TeamView {
    /// The people, by name.
    team: Vec<TeamMemberView>,
}

/// Somebody who signs in to the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamMember)]
struct TeamMemberView {
    user_id: Uuid,
    name: String,
    #[schema(example = "admin@acme.test")]
    email: String,
    /// Their role, the first one if they have several.
    #[schema(example = "admin")]
    role: String,
    /// All their roles.
    roles: Vec<String>,
    joined_at: DateTime<Utc>,
    /// Grows with every change; the same as in the `ETag`.
    version: i64,
}

impl From<TeamMember> for TeamMemberView {
    fn from(member: TeamMember) -> Self {
        Self {
            user_id: member.user.as_uuid(),
            name: member.name,
            email: member.email,
            role: member.roles.first().cloned().unwrap_or_default(),
            roles: member.roles,
            joined_at: member.joined_at,
            version: member.version,
        }
    }
}

/// The role that somebody shall have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRole {
    /// The name of a role, in place of the ones they have.
    #[schema(example = "member")]
    role: String,
}

/// Who shall own the tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferOwnershipBody {
    /// Somebody of the team.
    user_id: Uuid,
    /// The role that whoever owns it now keeps; `admin` if left out.
    #[schema(example = "admin")]
    role: Option<String>,
}

/// Lists the team.
#[utoipa::path(
    get, path = "/team", tag = "team", operation_id = "list_team",
    responses((status = OK, body = TeamView)),
)]
async fn list(State(team): State<Team>, scope: Scope) -> Result<axum::Json<TeamView>, AppError> {
    let team = team.list(&scope).await?;
    Ok(axum::Json(TeamView { team: team.into_iter().map(TeamMemberView::from).collect() }))
}

/// Reads one of the team.
#[utoipa::path(
    get, path = "/team/{user_id}", tag = "team", operation_id = "read_team_member",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = OK, body = TeamMemberView, headers(("etag" = String))),
        (status = NOT_FOUND, description = "Nobody of the team has this id"),
    ),
)]
async fn get(
    State(team): State<Team>,
    scope: Scope,
    Id(user): Id<UserId>,
) -> Result<Tagged<TeamMemberView>, AppError> {
    find(&team, &scope, user).await
}

/// Gives somebody another role.
///
/// Nobody gives or takes what they may not do themselves, and only owners make or unmake owners. The
/// last owner stays one.
#[utoipa::path(
    put, path = "/team/{user_id}", tag = "team", operation_id = "change_role",
    params(
        ("user_id" = Uuid, Path),
        ("if-match" = String, Header, description = "The `ETag` that was read, or `*`"),
    ),
    request_body = ChangeRole,
    responses(
        (status = OK, body = TeamMemberView, headers(("etag" = String))),
        (status = NOT_FOUND, description = "Nobody of the team has this id"),
        (status = CONFLICT, description = "`last_owner`: appoint another owner first"),
        (status = PRECONDITION_FAILED, description = "They were changed since they were read"),
        (status = UNPROCESSABLE_ENTITY, description = "There is no such role"),
        (status = PRECONDITION_REQUIRED, description = "`If-Match` is missing"),
    ),
)]
async fn change_role(
    State(team): State<Team>,
    acting: Acting,
    Id(user): Id<UserId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ChangeRole>,
) -> Result<Tagged<TeamMemberView>, AppError> {
    let version = match &expected {
        Expected::Any => None,
        Expected::OneOf(_) => {
            let Tagged { version, .. } = find(&team, acting.scope(), user).await?;
            if !expected.allows(version) {
                return Err(AccessError::Stale.into());
            }
            Some(version)
        }
    };
    team.change_role_of(&acting, user, &body.role, version).await?;
    find(&team, acting.scope(), user).await
}

/// Takes somebody out of the team, or leaves it when it is oneself.
///
/// Their sessions and keys of this tenant end at once. The last owner cannot leave.
#[utoipa::path(
    delete, path = "/team/{user_id}", tag = "team", operation_id = "remove_from_team",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = FORBIDDEN, description = "It is somebody else, which asks for `team:remove`"),
        (status = NOT_FOUND, description = "Nobody of the team has this id"),
        (status = CONFLICT, description = "`last_owner`: appoint another owner first"),
    ),
)]
async fn remove(
    State(team): State<Team>,
    principal: Principal,
    acting: Acting,
    Id(user): Id<UserId>,
) -> Result<StatusCode, AppError> {
    if user == principal.user() {
        in_person(&principal)?;
        team.leave(&acting).await?;
    } else {
        let _may = Granted::<Remove>::of(&principal)?;
        team.remove(&acting, user).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Makes somebody else the owner.
#[utoipa::path(
    post, path = "/team/transfer-ownership", tag = "team", operation_id = "transfer_ownership",
    request_body = TransferOwnershipBody,
    responses(
        (status = OK, description = "The new owner", body = TeamMemberView, headers(("etag" = String))),
        (status = NOT_FOUND, description = "Nobody of the team has this id"),
        (status = UNPROCESSABLE_ENTITY, description = "It is the owner already, or there is no such role"),
    ),
)]
async fn transfer_ownership(
    State(team): State<Team>,
    principal: Principal,
    acting: Acting,
    Json(body): Json<TransferOwnershipBody>,
) -> Result<Tagged<TeamMemberView>, AppError> {
    in_person(&principal)?;
    let to = UserId::from_uuid(body.user_id);
    team.transfer_ownership(&acting, to, body.role.as_deref().unwrap_or("admin")).await?;
    find(&team, acting.scope(), to).await
}

async fn find(
    team: &Team,
    scope: &Scope,
    user: UserId,
) -> Result<Tagged<TeamMemberView>, AppError> {
    let mut all = team.list(scope).await?.into_iter();
    let found = all.find(|one| one.user == user).ok_or(AccessError::NotFound("person"))?;
    Ok(Tagged { version: found.version, body: found.into() })
}

/// Refuses keys, and whoever acts for the person: this is theirs alone to decide.
fn in_person(principal: &Principal) -> Result<(), AppError> {
    if principal.session().is_some() && principal.impersonator().is_none() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "session_required")
        .with_detail("only the person themselves may do this; sign in")
        .into())
}
