//! `/audit`: what was done in the tenant, and by whom.

mod export;
mod list;
mod verify;

use chrono::{DateTime, Utc};
use saas_rbac::rules::Rule;
use utoipa_axum::routes;

use super::extract::Parameters;
use crate::{
    access::{ApiRouter, perm::audit::Read},
    input::{Faults, Invalid},
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Read>(), routes!(list::list))
        .route(Rule::permission::<Read>(), routes!(export::export))
        .route(Rule::permission::<Read>(), routes!(verify::verify))
}

/// A moment, from a parameter.
fn moment(
    parameters: &mut Parameters,
    name: &'static str,
    faults: &mut Faults,
) -> Option<DateTime<Utc>> {
    parameters.take(name, faults, |text| {
        let detail = "must be a moment such as `2026-11-21T09:00:00Z`";
        let parsed = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        // What PostgreSQL can compare with.
        let sensible = parsed.ok().filter(|at| (1900..=9999).contains(&chrono::Datelike::year(at)));
        sensible.ok_or_else(|| Invalid::new("invalid_time", detail))
    })
}
