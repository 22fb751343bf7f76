//! How a tenant looks.

use axum::extract::State;
use saas_core::{Problem, Scope};
use saas_rbac::{require::Granted, rules::Rule};
use saas_tenancy::{
    ResolvedTenant, Tenant,
    store::TenantChange,
    tenant::{Branding, Settings},
};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{parse, update, version};
use crate::{
    access::{
        ApiRouter,
        perm::{settings, tenant::Manage},
    },
    audit_log::{self, action::BRANDING_UPDATE},
    error::AppError,
    input::{Faults, Invalid},
    routes::extract::{IfMatch, Json, Tagged},
    state::AppState,
};

/// The longest address of a logo, in bytes.
const LONGEST_URL: usize = 2000;

pub(super) fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<settings::Read>(), routes!(read))
        .route(Rule::permission::<Manage>(), routes!(change))
}

/// How a tenant looks; `null` leaves it to the application.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Branding)]
struct BrandingView {
    /// Its colour.
    #[schema(example = "#1a7f5a")]
    color: Option<String>,
    /// Where its logo is; an `https` address.
    #[schema(example = "https://acme.example/logo.svg")]
    logo_url: Option<String>,
}

impl BrandingView {
    fn check(&self) -> Result<Branding, AppError> {
        let mut faults = Faults::new();
        let color = faults.check_some("color", self.color.as_deref().map(parse));
        let logo_url = faults.check_some("logo_url", self.logo_url.as_deref().map(logo));
        faults.finish(Some(Branding { color, logo_url }))
    }
}

impl From<&Branding> for BrandingView {
    fn from(branding: &Branding) -> Self {
        Self {
            color: branding.color.map(|color| color.to_string()),
            logo_url: branding.logo_url.as_ref().map(Url::to_string),
        }
    }
}

/// Only what a browser fetches and never runs.
fn logo(text: &str) -> Result<Url, Invalid> {
    if text.len() > LONGEST_URL {
        return Err(Invalid::new("too_long", format!("must have at most {LONGEST_URL} bytes")));
    }
    let url: Url = parse(text)?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        let detail = "must be an `https://` address without user and password";
        return Err(Invalid::new("invalid_value", detail));
    }
    Ok(url)
}

fn tagged(tenant: &Tenant) -> Tagged<BrandingView> {
    Tagged { version: tenant.version, body: BrandingView::from(&tenant.settings.branding) }
}

/// How the tenant looks.
#[utoipa::path(
    get, path = "/tenant/branding", tag = "tenant", operation_id = "read_branding",
    responses((status = OK, body = BrandingView, headers(("etag" = String)))),
)]
async fn read(tenant: ResolvedTenant) -> Tagged<BrandingView> {
    tagged(&tenant)
}

/// Changes colour and logo.
#[utoipa::path(
    put, path = "/tenant/branding", tag = "tenant", operation_id = "update_branding",
    request_body = BrandingView,
    params(("if-match" = String, Header, description = "The `ETag` that was read, or `*`")),
    responses((status = OK, body = BrandingView, headers(("etag" = String)))),
)]
async fn change(
    State(state): State<AppState>,
    may: Granted<Manage>,
    scope: Scope,
    tenant: ResolvedTenant,
    expected: IfMatch,
    Json(body): Json<BrandingView>,
) -> Result<Tagged<BrandingView>, AppError> {
    let settings = Settings { branding: body.check()?, ..tenant.settings.clone() };
    let view = |branding| serde_json::to_value(BrandingView::from(branding));
    let before = view(&tenant.settings.branding).map_err(Problem::internal)?;
    let after = view(&settings.branding).map_err(Problem::internal)?;
    let states = (Some(&before), Some(&after));
    let note =
        audit_log::note(&scope, &state.clock, BRANDING_UPDATE, ("tenant", &tenant.id), states);
    let change =
        TenantChange { settings: Some(settings), note: Some(note), ..TenantChange::default() };
    let expected = version(&expected, &tenant)?;
    Ok(tagged(&*update(&*state.store, &may, change, expected).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_fetched_by_https_and_nothing_else() {
        let check = |logo: &str| {
            BrandingView { color: None, logo_url: Some(logo.to_owned()) }.check().is_ok()
        };
        assert!(check("https://acme.example/logo.svg"));
        for wrong in [
            "http://acme.example/logo.svg",
            "javascript:alert(1)",
            "data:image/svg+xml,<svg/>",
            "//acme.example/logo.svg",
            "https://user:password@acme.example/",
            "",
        ] {
            assert!(!check(wrong), "{wrong}");
        }
        assert!(!check(&format!("https://acme.example/{}", "a".repeat(LONGEST_URL))));
    }
}
