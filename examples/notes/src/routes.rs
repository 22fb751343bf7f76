//! The routes, and the layer that ties each request to its tenant.

use axum::{Json, Router, http::StatusCode, routing::get};
use saas_core::problem::{ProblemLayer, ProblemService};
use saas_tenancy::{
    Tenancy, TenancyError, TenantLayer,
    db::TenantDb,
    resolve::{Authentication, BaseDomains, ChainError, Resolvers},
};
use tower::Layer;

use crate::setup::Backend;

// ANCHOR: handlers
async fn list(mut db: TenantDb) -> Result<Json<Vec<String>>, TenancyError> {
    let mut tx = db.begin().await?;
    let sql = "select body from notes order by written_at";
    Ok(Json(sqlx::query_scalar(sql).fetch_all(&mut tx).await?))
}

async fn add(mut db: TenantDb, body: String) -> Result<StatusCode, TenancyError> {
    let mut tx = db.begin().await?;
    sqlx::query("insert into notes (body) values ($1)").bind(body).execute(&mut tx).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}
// ANCHOR_END: handlers

// ANCHOR: app
/// The application: routes inside, then the tenant, then the shape of errors.
pub(crate) fn app(backend: Backend) -> Result<ProblemService<Tenancy<Router>>, ChainError> {
    let routes = Router::new().route("/notes", get(list).post(add)).with_state(backend.databases);

    let bases = BaseDomains::new(["localhost"])?;
    let resolvers = Resolvers::new(Authentication::Absent).subdomain(&bases).path();
    let tenants = TenantLayer::new(backend.store, resolvers, backend.clock.clone());
    Ok(ProblemLayer::new(backend.clock).layer(tenants.layer(routes)))
}
// ANCHOR_END: app
