//! `/api-keys`: with which programs act for people.

use axum::extract::State;
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{ApiKeyId, Clock, Scope};
use saas_rbac::{
    Acting,
    api_key::{ApiKey, MadeApiKey, NewApiKey},
    rules::Rule,
};
use saas_tenancy::db::TenantDb;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Created, Id, Idempotent, Made};
use crate::{
    access::{ApiRouter, perm::api_keys::Manage},
    auth::Identity,
    error::AppError,
};

/// The routes of this resource, below `/api/v1`.
pub fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<Manage>(), routes!(list))
        .route(Rule::permission::<Manage>(), routes!(create))
        .route(Rule::permission::<Manage>(), routes!(rotate))
        .route(Rule::permission::<Manage>(), routes!(revoke))
}

/// The keys of the tenant.
#[derive(Debug, Serialize, ToSchema)]
struct ApiKeys {
    /// The keys, the newest first.
    api_keys: Vec<ApiKeyView>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct ApiKeyView {
    id: Uuid,
    #[schema(example = "nightly import")]
    name: String,
    /// How it begins, to tell it from others.
    prefix: String,
    /// The permissions that it is limited to.
    scopes: Vec<String>,
    /// The person it acts for. It may never do more than they may.
    owner_id: Uuid,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
}

/// A key with its secret.
#[derive(Serialize, ToSchema)]
struct ApiKeyWithSecret {
    #[serde(flatten)]
    #[schema(inline)]
    key: ApiKeyView,
    /// Goes with every request: `Authorization: Bearer …`. It is shown this once.
    #[schema(example = "sk_live_…")]
    secret: String,
}

/// A key to be made. It acts for whoever makes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApiKeyBody {
    /// What it is for: 1 to 100 characters.
    #[schema(example = "nightly import")]
    name: String,
    /// Permissions, or wildcards that are expanded now.
    #[schema(example = json!(["members:read"]))]
    scopes: Vec<String>,
    /// When it ends: in 90 days if left out, within a year.
    expires_at: Option<DateTime<Utc>>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.as_uuid(),
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            owner_id: key.owner.as_uuid(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// Lists the keys.
#[utoipa::path(
    get, path = "/api-keys", tag = "api keys", operation_id = "list_api_keys",
    responses((status = OK, body = ApiKeys)),
)]
async fn list(
    State(Identity { api_keys, .. }): State<Identity>,
    scope: Scope,
) -> Result<axum::Json<ApiKeys>, AppError> {
    let keys = api_keys.list(&scope).await?;
    Ok(axum::Json(ApiKeys { api_keys: keys.into_iter().map(ApiKeyView::from).collect() }))
}

/// Makes a key. Nobody gives it a scope that they do not have.
///
/// A repeated request with the same `Idempotency-Key` gets the key again, but not its secret.
#[utoipa::path(
    post, path = "/api-keys", tag = "api keys", operation_id = "create_api_key",
    params(
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "A repeated request with the same key makes nothing new"),
    ),
    request_body = NewApiKeyBody,
    responses(
        (status = CREATED, body = ApiKeyWithSecret, headers(("location" = String))),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong; `errors` says which"),
    ),
)]
async fn create(
    State(clock): State<Clock>,
    State(Identity { api_keys, .. }): State<Identity>,
    acting: Acting,
    mut db: TenantDb,
    Idempotent { body, ticket }: Idempotent<NewApiKeyBody>,
) -> Result<Created, AppError> {
    let mut tx = db.begin().await?;
    if let Some(answer) = ticket.replay(&mut tx, clock.now()).await? {
        return Ok(answer);
    }
    let NewApiKeyBody { name, scopes, expires_at } = body;
    let made = api_keys.create(&acting, NewApiKey { name, scopes, expires_at }).await?;
    let key = ApiKeyView::from(made.key);
    // What is kept for a repeated request has no secret in it.
    let kept = Made { id: key.id.to_string(), version: None, body: &key };
    let created = ticket.created(&mut tx, kept).await?;
    tx.commit().await?;
    created.showing_once(&with(key, &made.secret))
}

/// Gives a key another secret. The one before is good for a day, so that programs can change over.
#[utoipa::path(
    post, path = "/api-keys/{id}/rotate", tag = "api keys", operation_id = "rotate_api_key",
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = ApiKeyWithSecret),
        (status = FORBIDDEN, description = "`not_the_owner`: it acts for somebody else"),
        (status = NOT_FOUND, description = "There is no such key, or it is over"),
    ),
)]
async fn rotate(
    State(Identity { api_keys, .. }): State<Identity>,
    acting: Acting,
    Id(id): Id<ApiKeyId>,
) -> Result<axum::Json<ApiKeyWithSecret>, AppError> {
    let MadeApiKey { key, secret } = api_keys.rotate(&acting, id).await?;
    Ok(axum::Json(with(key.into(), &secret)))
}

/// Ends a key at once. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "api keys", operation_id = "revoke_api_key",
    params(("id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = NOT_FOUND, description = "There is no such key"),
    ),
)]
async fn revoke(
    State(Identity { api_keys, .. }): State<Identity>,
    acting: Acting,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, AppError> {
    api_keys.revoke(&acting, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn with(key: ApiKeyView, secret: &SecretString) -> ApiKeyWithSecret {
    ApiKeyWithSecret { key, secret: secret.expose_secret().to_owned() }
}
