//! An application that says which tenant it was asked for.

use std::sync::Arc;

use axum::{Json, Router, body::Body, extract::OriginalUri};
use http::{Request, StatusCode, request::Builder};
use http_body_util::BodyExt;
use saas_core::{Clock, Scope};
use saas_tenancy::{
    Presence, ResolvedTenant, Tenancy, TenantLayer,
    layer::ClientUri,
    resolve::{Authentication, BaseDomains, PeerAddr, Resolvers},
};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

use super::fixed_store::FixedStore;

/// The address of the only trusted proxy.
pub(crate) const PROXY: &str = "10.0.0.1:4711";

pub(crate) struct App {
    pub(crate) store: Arc<FixedStore>,
    pub(crate) service: Tenancy<Router>,
}

impl App {
    /// All sources, a tenant required.
    pub(crate) fn new() -> Self {
        Self::with(resolvers().claim().unwrap().header().unwrap(), Presence::Required)
    }

    pub(crate) fn with(resolvers: Resolvers, presence: Presence) -> Self {
        let store = Arc::new(FixedStore::new());
        let layer = TenantLayer::new(store.clone(), resolvers, Clock::system());
        let service = layer.with_presence(presence).layer(Router::new().fallback(whoami));
        Self { store, service }
    }

    /// Sends a request and returns the status with the slug that was found, or the error's code.
    pub(crate) async fn ask(&self, request: Builder) -> (u16, String) {
        let (status, body) = self.send(request).await;
        let word = if status == StatusCode::OK { &body["slug"] } else { &body["code"] };
        (status.as_u16(), word.as_str().unwrap_or_default().to_owned())
    }

    pub(crate) async fn send(&self, request: Builder) -> (StatusCode, Value) {
        let (status, body) = self.bytes(request).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn bytes(&self, request: Builder) -> (StatusCode, Vec<u8>) {
        let request = request.body(Body::empty()).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().into())
    }
}

// ANCHOR: resolvers
/// Hosts and paths, behind one trusted proxy.
pub(crate) fn resolvers() -> Resolvers {
    let bases = BaseDomains::new(["localhost", "app.example.com"]).unwrap();
    Resolvers::new(Authentication::WithMembership)
        .with_trusted_proxies("10.0.0.1".parse().unwrap())
        .subdomain(&bases)
        .custom_domain(&bases)
        .path()
}
// ANCHOR_END: resolvers

pub(crate) fn get(path: &str, host: &str) -> Builder {
    Request::get(path).header("host", host)
}

/// As if the connection came from `peer`.
pub(crate) fn from_peer(request: Builder, peer: &str) -> Builder {
    request.extension(PeerAddr(peer.parse().unwrap()))
}

async fn whoami(
    tenant: Option<ResolvedTenant>,
    client: Option<axum::Extension<ClientUri>>,
    OriginalUri(uri): OriginalUri,
    request: axum::extract::Request,
) -> Json<Value> {
    tracing::info!("asked");
    let scope = request.extensions().get::<Scope>();
    Json(json!({
        "slug": tenant.as_ref().map(|tenant| tenant.slug.clone()),
        "source": tenant.and_then(|tenant| tenant.source()).map(|source| format!("{source:?}")),
        "scope": scope,
        "uri": uri.to_string(),
        "client_uri": client.map(|client| client.0.0.to_string()),
    }))
}
