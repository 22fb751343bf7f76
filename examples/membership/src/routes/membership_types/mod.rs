//! `/membership-types`: the tiers of a tenant.

mod body;
mod collection;
mod one;

use saas_rbac::rules::Rule;
use utoipa_axum::routes;

use crate::access::{
    ApiRouter,
    perm::membership_types::{Manage, Read},
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Read>(), routes!(collection::list))
        .route(Rule::permission::<Manage>(), routes!(collection::create))
        .route(Rule::permission::<Read>(), routes!(one::get))
        .route(Rule::permission::<Manage>(), routes!(one::update))
        .route(Rule::permission::<Manage>(), routes!(one::delete))
}
