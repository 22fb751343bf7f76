//! `/admin`: what the application's own staff does to tenants. It exists on no tenant's host.
//!
//! Everything is noted twice: in the log of the tenant, which its owners read, and in the system's.

use std::time::Duration;

use axum::{
    Extension,
    extract::{FromRef, State},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{
    Actor, AuditEntry, Problem, RequestId, Scope, SessionId, TenantId, UserId,
    audit::{Action, Changes, Target},
};
use saas_rbac::{
    impersonation::{Impersonation, Impersonations, NewImpersonation},
    require::SuperAdmin,
    rules::Rule,
};
use saas_tenancy::{TenancyError, Tenant, store::TenantChange, tenant::Status};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{
    auth::Failed,
    extract::{FromParameters, Id, Json, Parameters, Query},
    tenant::TenantView,
};
use crate::{
    access::ApiRouter,
    audit_log::action::{TENANT_RESUME, TENANT_SUSPEND},
    error::AppError,
    input::{Faults, Invalid, line},
    state::AppState,
};

/// How many tenants a page has at most.
const LONGEST_PAGE: u32 = 200;

/// How many a page has if nothing else is said.
const PAGE: u32 = 50;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;

/// How long somebody acts for another if nothing else is said, in minutes.
const MINUTES: u64 = 30;

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::super_admin(), routes!(list))
        .route(Rule::super_admin(), routes!(suspend))
        .route(Rule::super_admin(), routes!(resume))
        .route(Rule::super_admin(), routes!(impersonate))
        .route(Rule::super_admin(), routes!(impersonations))
        .route(Rule::super_admin(), routes!(end_impersonation))
}

impl FromRef<AppState> for Impersonations {
    fn from_ref(state: &AppState) -> Self {
        Self::new(state.databases.clone(), state.clock.clone())
    }
}

/// Some tenants.
#[derive(Debug, Serialize, ToSchema)]
struct Tenants {
    /// The tenants, by id.
    tenants: Vec<TenantView>,
    /// The `after` of the next page; `null` at the end.
    next_after: Option<Uuid>,
}

/// Why something is done to a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Because {
    /// 1 to 200 characters, which the tenant reads.
    #[schema(example = "unpaid for three months")]
    reason: String,
}

/// Whom somebody of the staff wants to act for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Impersonate {
    tenant_id: Uuid,
    user_id: Uuid,
    /// Why: 1 to 500 characters, which the tenant reads.
    reason: String,
    /// For how long: 1 to 60 minutes, 30 if left out.
    #[schema(minimum = 1, maximum = 60)]
    minutes: Option<u64>,
}

/// Somebody acts for another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Impersonation)]
struct ImpersonationView {
    /// The session; ending it ends the impersonation.
    id: Uuid,
    tenant_id: Uuid,
    user_id: Uuid,
    /// Who really acts.
    impersonator_id: Uuid,
    reason: String,
    started_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// A token with which somebody acts for another, at the tenant's address.
#[derive(Serialize, ToSchema)]
struct Impersonating {
    impersonation: ImpersonationView,
    /// Goes with every request: `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds the token is good.
    expires_in: u64,
}

/// Who acts for whom now.
#[derive(Debug, Serialize, ToSchema)]
struct ImpersonationList {
    /// The latest first.
    impersonations: Vec<ImpersonationView>,
}

impl From<Impersonation> for ImpersonationView {
    fn from(one: Impersonation) -> Self {
        Self {
            id: one.session.as_uuid(),
            tenant_id: one.tenant.as_uuid(),
            user_id: one.user.as_uuid(),
            impersonator_id: one.by.as_uuid(),
            reason: one.reason,
            started_at: one.started_at,
            expires_at: one.expires_at,
        }
    }
}

/// Which page of the tenants.
#[derive(Debug)]
struct PageOf {
    after: Option<TenantId>,
    limit: u32,
}

impl FromParameters for PageOf {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let after = parameters.take("after", faults, |text| {
            text.parse().map_err(|_| Invalid::new("invalid_id", "must be the id of a tenant"))
        });
        let limit = parameters.take("limit", faults, |text| {
            let limit = text.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit));
            let detail = format!("must be a number from 1 to {LONGEST_PAGE}");
            limit.ok_or_else(|| Invalid::new("out_of_range", detail))
        });
        Some(Self { after, limit: limit.unwrap_or(PAGE) })
    }
}

/// Lists all tenants.
#[utoipa::path(
    get, path = "/admin/tenants", tag = "admin", operation_id = "list_tenants",
    params(
        ("after" = Option<Uuid>, Query, description = "The `next_after` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How many; 50 if left out"),
    ),
    responses(
        (status = OK, body = Tenants),
        (status = UNPROCESSABLE_ENTITY, description = "A parameter is wrong; `errors` says which"),
    ),
)]
async fn list(
    State(state): State<AppState>,
    Query(PageOf { after, limit }): Query<PageOf>,
) -> Result<axum::Json<Tenants>, AppError> {
    let mut tenants = state.store.list(after, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = tenants.len() > most;
    tenants.truncate(most);
    let last = tenants.last().filter(|_| has_more);
    Ok(axum::Json(Tenants {
        next_after: last.map(|tenant| tenant.id.as_uuid()),
        tenants: tenants.iter().map(|tenant| TenantView::from(&**tenant)).collect(),
    }))
}

/// Stops a tenant: nobody of it is served any more, within a second everywhere.
#[utoipa::path(
    post, path = "/admin/tenants/{id}/suspend", tag = "admin", operation_id = "suspend_tenant",
    params(("id" = Uuid, Path)),
    request_body = Because,
    responses(
        (status = OK, body = TenantView),
        (status = NOT_FOUND, description = "There is no such tenant"),
    ),
)]
async fn suspend(
    State(state): State<AppState>,
    Extension(staff): Extension<SuperAdmin>,
    Extension(request): Extension<RequestId>,
    Id(tenant): Id<TenantId>,
    Json(body): Json<Because>,
) -> Result<axum::Json<TenantView>, AppError> {
    let change = (Status::Suspended, TENANT_SUSPEND);
    set_status(&state, (staff, request), tenant, change, &body).await
}

/// Lets a tenant go on.
#[utoipa::path(
    post, path = "/admin/tenants/{id}/resume", tag = "admin", operation_id = "resume_tenant",
    params(("id" = Uuid, Path)),
    request_body = Because,
    responses(
        (status = OK, body = TenantView),
        (status = NOT_FOUND, description = "There is no such tenant"),
        (status = CONFLICT, description = "`not_suspended`: it is not stopped"),
    ),
)]
async fn resume(
    State(state): State<AppState>,
    Extension(staff): Extension<SuperAdmin>,
    Extension(request): Extension<RequestId>,
    Id(tenant): Id<TenantId>,
    Json(body): Json<Because>,
) -> Result<axum::Json<TenantView>, AppError> {
    let tenant = find(&state, tenant).await?;
    if tenant.status != Status::Suspended {
        return Err(Problem::new(StatusCode::CONFLICT, "not_suspended")
            .with_detail("only a tenant that is suspended can be resumed")
            .into());
    }
    let change = (Status::Active, TENANT_RESUME);
    set_status(&state, (staff, request), tenant.id, change, &body).await
}

/// The change and the line of both logs are one transaction.
async fn set_status(
    state: &AppState,
    (staff, request): (SuperAdmin, RequestId),
    tenant: TenantId,
    (status, action): (Status, Action),
    Because { reason }: &Because,
) -> Result<axum::Json<TenantView>, AppError> {
    let mut faults = Faults::new();
    let reason = faults.check("reason", line(reason, LONGEST_REASON));
    let reason = faults.finish(reason)?;
    let before = find(state, tenant).await?;
    let scope = Scope::new(tenant, Actor::User { id: staff.user() }, request);
    let (was, is) =
        (json!({ "status": before.status.as_str() }), json!({ "status": status.as_str() }));
    let note =
        AuditEntry::new(&scope, action, Target::new("tenant", tenant.to_string()), &state.clock)
            .with_changes(Changes::between(&was, &is))
            .because(reason);
    let change = TenantChange { status: Some(status), note: Some(note), ..TenantChange::default() };
    let after = state.store.update(tenant, change, Some(before.version)).await?;
    Ok(axum::Json(TenantView::from(&*after)))
}

async fn find(state: &AppState, tenant: TenantId) -> Result<std::sync::Arc<Tenant>, AppError> {
    Ok(state.store.by_id(tenant).await?.ok_or(TenancyError::NotFound)?)
}

/// Begins to act for somebody of a tenant. What is critical stays out of reach meanwhile.
#[utoipa::path(
    post, path = "/admin/impersonate", tag = "admin", operation_id = "impersonate",
    request_body = Impersonate,
    responses(
        (status = CREATED, body = Impersonating),
        (status = NOT_FOUND, description = "There is no such person in that tenant"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong; `errors` says which"),
    ),
)]
async fn impersonate(
    State(state): State<AppState>,
    Extension(staff): Extension<SuperAdmin>,
    Extension(request): Extension<RequestId>,
    Json(body): Json<Impersonate>,
) -> Result<(StatusCode, axum::Json<Impersonating>), Failed> {
    let new = NewImpersonation {
        tenant: TenantId::from_uuid(body.tenant_id),
        user: UserId::from_uuid(body.user_id),
        reason: body.reason,
        duration: Duration::from_secs(body.minutes.unwrap_or(MINUTES).saturating_mul(60)),
    };
    note_in_system(&state, staff, request, "impersonation.begin").await?;
    let begun = Impersonations::from_ref(&state).begin(staff, new, request).await;
    let begun = begun.map_err(AppError::from)?;
    let token = state.identity.sign_in.access_token(begun.session).await?;
    let answer = Impersonating {
        impersonation: begun.into(),
        access_token: token.token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: token.expires_in.as_secs(),
    };
    Ok((StatusCode::CREATED, axum::Json(answer)))
}

/// Lists who acts for whom now.
#[utoipa::path(
    get, path = "/admin/impersonate", tag = "admin", operation_id = "list_impersonations",
    responses((status = OK, body = ImpersonationList)),
)]
async fn impersonations(
    State(impersonations): State<Impersonations>,
) -> Result<axum::Json<ImpersonationList>, AppError> {
    let all = impersonations.list(None).await?;
    let impersonations = all.into_iter().map(ImpersonationView::from).collect();
    Ok(axum::Json(ImpersonationList { impersonations }))
}

/// Stops acting for somebody. The token is void within a second everywhere.
#[utoipa::path(
    delete, path = "/admin/impersonate/{id}", tag = "admin", operation_id = "end_impersonation",
    params(("id" = Uuid, Path, description = "The `id` of the impersonation")),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "Nobody acts for another in this session"),
    ),
)]
async fn end_impersonation(
    State(state): State<AppState>,
    Extension(staff): Extension<SuperAdmin>,
    Extension(request): Extension<RequestId>,
    Id(session): Id<SessionId>,
) -> Result<StatusCode, AppError> {
    note_in_system(&state, staff, request, "impersonation.end").await?;
    Impersonations::from_ref(&state).end(staff.user(), session, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A line in the system's log. It is there before anything is tried, and stays if that fails.
async fn note_in_system(
    state: &AppState,
    staff: SuperAdmin,
    request: RequestId,
    what: &'static str,
) -> Result<(), AppError> {
    let actor = Actor::User { id: staff.user() };
    Ok(state.databases.system(&actor, request, what).await?.commit().await?)
}
