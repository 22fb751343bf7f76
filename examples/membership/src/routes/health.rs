//! Probes: is the process up, and can it serve. They answer on every host.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use http::StatusCode;
use saas_core::Problem;
use saas_rbac::rules::Rule;
use saas_tenancy::TenantStore;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{access::ApiRouter, error::AppError};

/// How long the database may take before the process counts as not ready.
const LIMIT: Duration = Duration::from_secs(2);

/// The routes of the probes.
pub fn router() -> ApiRouter {
    ApiRouter::new().route(Rule::public(), routes!(health)).route(Rule::public(), routes!(ready))
}

/// That a probe succeeded.
#[derive(Debug, Serialize, ToSchema)]
struct Probe {
    /// Always `ok`; a failed probe is a problem document.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Probe> = Json(Probe { status: "ok" });

/// Whether the process is up.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = OK, body = Probe)),
)]
async fn health() -> Json<Probe> {
    OK
}

/// Whether the database answers, so that requests can be served.
///
/// Pending migrations are applied, or stop the process, before it listens.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses((status = OK, body = Probe)),
)]
async fn ready(State(store): State<Arc<dyn TenantStore>>) -> Result<Json<Probe>, AppError> {
    let not_ready = || {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready")
            .with_detail("the database does not answer")
    };
    match tokio::time::timeout(LIMIT, store.servers()).await {
        Ok(Ok(_)) => Ok(OK),
        Ok(Err(error)) => Err(not_ready().with_source(error).into()),
        Err(late) => Err(not_ready().with_source(late).into()),
    }
}
