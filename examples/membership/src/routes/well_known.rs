//! What others need to know to check our access tokens. Answers on every host.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use saas_rbac::rules::Rule;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{access::ApiRouter, auth::Identity};

/// For how long others may keep the keys, in seconds: a new one is published long before it signs.
const KEEP: &str = "public, max-age=60";

/// The routes below `/.well-known`.
pub fn router() -> ApiRouter {
    ApiRouter::new().route(Rule::public(), routes!(keys))
}

/// The keys that access tokens are signed with (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(as = Jwks)]
struct KeysView {
    keys: Vec<serde_json::Value>,
}

/// The public keys of access tokens.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "operations", operation_id = "read_keys",
    responses((status = OK, body = KeysView)),
)]
async fn keys(State(identity): State<Identity>) -> Response {
    ([(header::CACHE_CONTROL, KEEP)], axum::Json(identity.keys.jwks())).into_response()
}
