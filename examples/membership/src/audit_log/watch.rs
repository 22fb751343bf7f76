use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use saas_core::{
    AuditEntry, Problem, Scope,
    audit::{Client, Target},
    auth::{Credential, Principal},
};
use saas_tenancy::ResolvedTenant;

use super::action::ACCESS_REFUSED;
use crate::{routes::auth::Device, state::AppState};

/// Tells the scope of a request from where it comes, and notes when somebody who has signed in is
/// refused. Goes inside of the layer that authenticates, and outside of the rules of the routes.
pub(crate) async fn watch(
    State(state): State<AppState>,
    device: Device,
    mut request: Request,
    next: Next,
) -> Response {
    let principal = request.extensions().get::<Principal>().cloned();
    let Some(scope) = request.extensions_mut().remove::<Scope>() else {
        // Without a tenant there is no log to write into.
        return next.run(request).await;
    };
    let scope = scope.with_client(client(&device, principal.as_ref()));
    request.extensions_mut().insert(scope.clone());
    let tenant = request.extensions().get::<ResolvedTenant>().cloned();
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or("none", MatchedPath::as_str);
    let route = format!("{} {route}", request.method());
    let response = next.run(request).await;
    if let (StatusCode::FORBIDDEN, Some(tenant), Some(_)) = (response.status(), tenant, principal) {
        let code = response.extensions().get::<Problem>().map_or("forbidden", Problem::code);
        let code = code.to_owned();
        note_refusal(&state, &tenant, &scope, route, code).await;
    }
    response
}

/// Written before the answer goes out: who hears of a refusal finds it in the log.
async fn note_refusal(
    AppState { audit, clock, .. }: &AppState,
    tenant: &ResolvedTenant,
    scope: &Scope,
    route: String,
    code: String,
) {
    let target = Target::new("route", route);
    let entry = AuditEntry::new(scope, ACCESS_REFUSED, target, clock).refused(code);
    if let Err(error) = audit.refused(tenant, &entry).await {
        // It stays refused.
        tracing::error!(error = &error as &dyn std::error::Error, "a refusal was not noted");
    }
}

fn client(device: &Device, principal: Option<&Principal>) -> Client {
    let mut client = Client::new();
    if let Some(address) = device.client.address() {
        client = client.with_address(address);
    }
    if let Some(agent) = device.client.user_agent().filter(|agent| !agent.is_empty()) {
        client = client.with_user_agent(agent);
    }
    match principal.map(Principal::credential) {
        Some(Credential::Session(id) | Credential::AccessToken(id)) => {
            client.with_credential(id.as_uuid())
        }
        Some(Credential::ApiKey(id)) => client.with_credential(id.as_uuid()),
        None => client,
    }
}
