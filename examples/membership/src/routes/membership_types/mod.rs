//! `/membership-types`: the tiers of a tenant.

mod body;
mod collection;
mod one;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// The routes of this resource, below `/api/v1`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(collection::list, collection::create)).routes(routes!(
        one::get,
        one::update,
        one::delete
    ))
}
