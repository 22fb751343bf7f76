//! `/rbac/matrix` and `/authz/explain`: who may do what, and why.

use axum::extract::State;
use saas_core::{
    Scope, UserId,
    auth::Principal,
    permission::{Grants, PermissionInfo, Risk},
};
use saas_rbac::{
    AccessError, Authorizer,
    explain::{Change, Explanation, explain},
    role::{RoleId, Roles},
    rules::Rule,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{FromParameters, Parameters, Query};
use crate::{
    access::{
        ApiRouter, MODEL,
        perm::{CATALOGUE, roles::Read},
    },
    auth::Identity,
    error::AppError,
    input::{Faults, Invalid},
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Read>(), routes!(matrix))
        .route(Rule::permission::<Read>(), routes!(explained))
}

/// All permissions and all roles of the tenant.
#[derive(Debug, Serialize, ToSchema)]
struct Matrix {
    permissions: Vec<PermissionView>,
    roles: Vec<MatrixRole>,
}

/// Something that can be allowed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
struct PermissionView {
    #[schema(example = "members:read")]
    name: &'static str,
    /// What it is about.
    #[schema(example = "members")]
    resource: &'static str,
    description: &'static str,
    /// `low`, `high`, or `critical`: not while somebody acts for another.
    #[schema(example = "low")]
    risk: &'static str,
    /// Whether whoever asks may put it into a role.
    grantable: bool,
}

/// A role and all that it gives.
#[derive(Debug, Serialize, ToSchema)]
struct MatrixRole {
    /// Its id; `null` for a fixed role.
    id: Option<Uuid>,
    name: String,
    permissions: Vec<String>,
}

/// Why somebody may do something or not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
struct ExplanationView {
    user_id: Uuid,
    permission: &'static str,
    /// What the check answers.
    allowed: bool,
    /// What is in the way: `role`, `plan`, `scope`, `impersonation`, `denied`.
    blocked: Vec<&'static str>,
    /// The roles that give it, from the one that gives least.
    roles: Vec<String>,
    /// What has to change before it is allowed.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<Change>,
}

/// Shows which role gives which permission.
#[utoipa::path(
    get, path = "/rbac/matrix", tag = "roles", operation_id = "read_matrix",
    responses((status = OK, body = Matrix)),
)]
async fn matrix(
    State(roles): State<Roles>,
    principal: Principal,
    scope: Scope,
) -> Result<axum::Json<Matrix>, AppError> {
    let may = principal.grants().effective();
    let permissions = CATALOGUE.iter().map(|one| PermissionView {
        name: one.name,
        resource: one.name.split_once(':').map_or(one.name, |(resource, _)| resource),
        description: one.description,
        risk: risk(one),
        grantable: may.contains(one.bit),
    });
    let roles = roles.list(&scope).await?.into_iter().map(|role| MatrixRole {
        id: role.id.map(RoleId::as_uuid),
        permissions: MODEL.names(role.gives),
        name: role.name,
    });
    Ok(axum::Json(Matrix { permissions: permissions.collect(), roles: roles.collect() }))
}

fn risk(permission: &PermissionInfo) -> &'static str {
    match permission.risk {
        Risk::Low => "low",
        Risk::High => "high",
        Risk::Critical => "critical",
    }
}

/// What is asked of `explained`.
struct Question {
    permission: &'static PermissionInfo,
    user: Option<UserId>,
}

impl FromParameters for Question {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let mut is_given = false;
        let permission = parameters.take("permission", faults, |text| {
            is_given = true;
            let detail = "must be a permission, such as `members:read`";
            CATALOGUE.parse(text).ok_or_else(|| Invalid::new("unknown", detail))
        });
        let user = parameters.take("user_id", faults, |text| {
            let detail = "must be the id of somebody of the team";
            text.parse().map_err(|_| Invalid::new("invalid_id", detail))
        });
        if !is_given {
            faults.add(Invalid::new("required", "say which permission").of("permission"));
        }
        Some(Self { permission: permission?, user })
    }
}

/// Explains why somebody may do something or not, and what would change it.
///
/// Without `user_id` it is about whoever asks, with all that limits them now: a key, for example.
#[utoipa::path(
    get, path = "/authz/explain", tag = "roles", operation_id = "explain",
    params(
        ("permission" = String, Query, example = "members:export", description = "Which permission"),
        ("user_id" = Option<Uuid>, Query, description = "Somebody else of the team"),
    ),
    responses(
        (status = OK, body = ExplanationView),
        (status = NOT_FOUND, description = "Nobody of the team has this id"),
        (status = UNPROCESSABLE_ENTITY, description = "There is no such permission"),
    ),
)]
async fn explained(
    State(roles): State<Roles>,
    State(Identity { authorizer, .. }): State<Identity>,
    principal: Principal,
    scope: Scope,
    Query(Question { permission, user }): Query<Question>,
) -> Result<axum::Json<ExplanationView>, AppError> {
    let user = user.unwrap_or(principal.user());
    let grants = if user == principal.user() {
        *principal.grants()
    } else {
        grants_of(&authorizer, &scope, user).await?
    };
    let roles = roles.list(&scope).await?;
    let roles = roles.into_iter().map(|role| (role.name, role.gives));
    let Explanation { permission, allowed, blocked, roles, changes } =
        explain(&grants, permission, roles);
    let user_id = user.as_uuid();
    Ok(axum::Json(ExplanationView { user_id, permission, allowed, blocked, roles, changes }))
}

async fn grants_of(
    authorizer: &Authorizer,
    scope: &Scope,
    user: UserId,
) -> Result<Grants, AppError> {
    let member = authorizer.member(scope.tenant(), user).await?;
    let member = member.ok_or(AccessError::NotFound("person"))?;
    Ok(Grants::new(member.terms()))
}
