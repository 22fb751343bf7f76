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
use saas_rbac::rules::Rule;
use utoipa_axum::{router::UtoipaMethodRouterExt as _, routes};

use crate::{
    access::{ApiRouter, perm::members},
    members::import::ImportFile,
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    let import = routes!(import::import).layer(DefaultBodyLimit::max(ImportFile::MAX_BYTES));
    ApiRouter::new()
        .route(Rule::permission::<members::Read>(), routes!(list::list))
        .route(Rule::permission::<members::Create>(), routes!(create::create))
        // Which of the two depends on the action; the handler asks for the one.
        .route(bulk::rule(), routes!(bulk::bulk))
        .route(Rule::permission::<members::Export>(), routes!(export::export))
        .route(Rule::permission::<members::Import>(), import)
        .route(Rule::permission::<members::Read>(), routes!(one::get))
        .route(Rule::permission::<members::Update>(), routes!(one::update))
        .route(Rule::permission::<members::Deactivate>(), routes!(one::deactivate))
}
