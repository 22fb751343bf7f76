//! The tenant of the request: its name, settings, looks and domains.

use std::{fmt::Display, str::FromStr, sync::Arc};

use axum::extract::State;
use saas_core::Scope;
use saas_rbac::{require::Granted, rules::Rule};
use saas_tenancy::{
    ResolvedTenant, TenancyError, Tenant, TenantStore, store::TenantChange, tenant::Settings,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::routes;

mod branding;
mod domains;
mod view;

pub(crate) use view::{TenantSettings, TenantView};

use super::extract::{IfMatch, Json, Tagged};
use crate::{
    access::{
        ApiRouter,
        perm::{settings, tenant::Manage},
    },
    audit_log::{self, action::TENANT_UPDATE},
    error::AppError,
    input::{Faults, Invalid, line},
    state::AppState,
    version::Expected,
};

/// The longest name of a tenant, in characters.
pub(super) const LONGEST_NAME: usize = 100;

/// The routes of the tenant itself.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<settings::Read>(), routes!(read))
        .route(Rule::permission::<Manage>(), routes!(change))
        .merge(branding::router())
        .merge(domains::router())
}

/// What a tenant becomes. All of it is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeTenant {
    /// Its name for people: 1 to 100 characters.
    #[schema(example = "Acme Sports Club")]
    name: String,
    settings: TenantSettings,
}

impl ChangeTenant {
    fn check(&self, before: &Settings) -> Result<TenantChange, AppError> {
        let mut faults = Faults::new();
        let name = faults.check("name", line(&self.name, LONGEST_NAME));
        let zone = faults.check("settings.time_zone", parse(&self.settings.time_zone));
        let currency = faults.check("settings.currency", parse(&self.settings.currency));
        let ((name, time_zone), currency) = faults.finish(name.zip(zone).zip(currency))?;
        let settings = Settings { time_zone, currency, branding: before.branding.clone() };
        let name = Some(name.to_owned());
        Ok(TenantChange { name, settings: Some(settings), ..TenantChange::default() })
    }
}

/// A value that has a text form.
fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, Invalid> {
    text.parse().map_err(|error: T::Err| Invalid::new("invalid_value", error.to_string()))
}

/// The tenant and what its owners set.
#[utoipa::path(
    get, path = "/tenant", tag = "tenant", operation_id = "read_tenant",
    responses((status = OK, body = TenantView, headers(("etag" = String)))),
)]
async fn read(tenant: ResolvedTenant) -> Tagged<TenantView> {
    tagged(&tenant)
}

/// Changes name and settings.
#[utoipa::path(
    put, path = "/tenant", tag = "tenant", operation_id = "update_tenant",
    request_body = ChangeTenant,
    params(("if-match" = String, Header, description = "The `ETag` that was read, or `*`")),
    responses((status = OK, body = TenantView, headers(("etag" = String)))),
)]
async fn change(
    State(state): State<AppState>,
    may: Granted<Manage>,
    scope: Scope,
    tenant: ResolvedTenant,
    expected: IfMatch,
    Json(body): Json<ChangeTenant>,
) -> Result<Tagged<TenantView>, AppError> {
    let mut change = body.check(&tenant.settings)?;
    let expected = version(&expected, &tenant)?;
    let states = (Some(&set(&tenant, None)), Some(&set(&tenant, Some(&change))));
    let note = audit_log::note(&scope, &state.clock, TENANT_UPDATE, ("tenant", &tenant.id), states);
    change.note = Some(note);
    Ok(tagged(&*update(&*state.store, &may, change, expected).await?))
}

/// Changes the tenant in which somebody may do so: there is no way to name another one.
async fn update(
    store: &dyn TenantStore,
    may: &Granted<Manage>,
    change: TenantChange,
    expected: i64,
) -> Result<Arc<Tenant>, TenancyError> {
    store.update(may.tenant(), change, Some(expected)).await
}

/// Name and settings for the audit log, as they are or as they will be.
fn set(tenant: &Tenant, change: Option<&TenantChange>) -> Value {
    let name = change.and_then(|change| change.name.as_ref()).unwrap_or(&tenant.name);
    let settings = change.and_then(|change| change.settings.as_ref()).unwrap_or(&tenant.settings);
    let Settings { time_zone, currency, .. } = settings;
    json!({ "name": name, "time_zone": time_zone.name(), "currency": currency.to_string() })
}

fn tagged(tenant: &Tenant) -> Tagged<TenantView> {
    Tagged { version: tenant.version, body: TenantView::from(tenant) }
}

/// The version that a change is made to.
///
/// Settings are replaced as a whole, so even `*` must not undo a change that came in between: then
/// the version that this request has seen counts.
fn version(IfMatch(expected): &IfMatch, tenant: &Tenant) -> Result<i64, TenancyError> {
    match expected {
        Expected::Any => Ok(tenant.version),
        Expected::OneOf(versions) if versions.contains(&tenant.version) => Ok(tenant.version),
        // The cache may lag behind another process. Then the store decides.
        Expected::OneOf(versions) => versions.first().copied().ok_or(TenancyError::Stale),
    }
}
