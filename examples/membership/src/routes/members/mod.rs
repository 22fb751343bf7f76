//! `/members`: the people of a tenant.

mod body;
mod bulk;
mod create;
mod export;
mod import;
mod list;
mod one;
mod query;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use crate::{members::import::ImportFile, state::AppState};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> OpenApiRouter<AppState> {
    let import = routes!(import::import).layer(DefaultBodyLimit::max(ImportFile::MAX_BYTES));
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(bulk::bulk))
        .routes(routes!(export::export))
        .routes(import)
        .routes(routes!(one::get, one::update, one::deactivate))
}
