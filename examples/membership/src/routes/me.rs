//! Who asks, and what they may do.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use saas_core::{
    auth::{Principal, SecondFactor},
    permission::PermissionSet,
};
use saas_rbac::{require::SuperAdmin, rules::Rule};
use saas_tenancy::{ResolvedTenant, TenantStore};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::auth::{TenantOfUser, UserView, tenants_of, user_of};
use crate::{
    access::{ApiRouter, perm::CATALOGUE},
    error::AppError,
    state::AppState,
};

/// The route of whoever asks.
pub fn router() -> ApiRouter {
    ApiRouter::new().route(Rule::signed_in(), routes!(me))
}

/// Who asks, and what they may do here.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    user: UserView,
    /// The tenant that the credential is for; `null` for one that is for none yet.
    tenant: Option<TenantName>,
    /// The role in it, the first one if there are several.
    role: Option<String>,
    /// All roles in it.
    roles: Vec<String>,
    /// What they may do in it now.
    permissions: Vec<&'static str>,
    /// The plan of the tenant; `null` while there are no plans.
    plan: Option<String>,
    /// What the plan includes.
    features: BTreeMap<String, bool>,
    /// The tenants they belong to.
    tenants: Vec<TenantOfUser>,
    /// Who really acts, when somebody acts for them.
    impersonator: Option<Uuid>,
    /// Whether they showed a second factor.
    second_factor: bool,
    /// Whether they run the application, and have signed in without a tenant.
    super_admin: bool,
}

/// A tenant, as its name says it.
#[derive(Debug, Serialize, ToSchema)]
struct TenantName {
    id: Uuid,
    slug: String,
    name: String,
}

/// Who asks, and what they may do.
#[utoipa::path(
    get, path = "/me", tag = "auth", operation_id = "read_me",
    responses((status = OK, body = Me)),
)]
async fn me(
    State(AppState { identity, store, .. }): State<AppState>,
    principal: Principal,
    staff: Option<axum::Extension<SuperAdmin>>,
) -> Result<axum::Json<Me>, AppError> {
    let user = user_of(&identity, principal.user()).await?;
    let roles = principal.roles().to_vec();
    Ok(axum::Json(Me {
        tenant: tenant_of(&store, &principal).await?,
        role: roles.first().cloned(),
        roles,
        permissions: named(principal.grants().effective()),
        plan: None,
        features: BTreeMap::new(),
        tenants: tenants_of(&identity, user.id).await?,
        impersonator: principal.impersonator().map(saas_core::UserId::as_uuid),
        second_factor: principal.second_factor() == SecondFactor::Proven,
        super_admin: staff.is_some(),
        user: UserView::from(&user),
    }))
}

fn named(permissions: PermissionSet) -> Vec<&'static str> {
    CATALOGUE.names(permissions).collect()
}

async fn tenant_of(
    store: &Arc<dyn TenantStore>,
    principal: &Principal,
) -> Result<Option<TenantName>, AppError> {
    let Some(id) = principal.tenant() else { return Ok(None) };
    let tenant = ResolvedTenant::by_id(&**store, id).await?;
    let (slug, name) = (tenant.slug.to_string(), tenant.name.clone());
    Ok(Some(TenantName { id: id.as_uuid(), slug, name }))
}
