//! Host names of the tenant's own. A claim resolves only once its TXT record was seen.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::{extract::State, response::IntoResponse};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use saas_core::{Problem, Scope};
use saas_rbac::{require::Granted, rules::Rule};
use saas_tenancy::{
    ResolvedTenant, TenantStore,
    domain::{Domain, DomainId},
    resolve::HostName,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::parse;
use crate::{
    access::{
        ApiRouter,
        perm::{settings, tenant::Manage},
    },
    audit_log::{
        self,
        action::{DOMAIN_CLAIM, DOMAIN_RELEASE},
    },
    config::PublicUrl,
    error::AppError,
    input::{Faults, Invalid},
    routes::extract::{Id, Json},
    state::AppState,
};

/// How many domains one tenant may claim.
const MOST_DOMAINS: usize = 20;

pub(super) fn router() -> ApiRouter {
    ApiRouter::new()
        .route(Rule::permission::<settings::Read>(), routes!(list))
        .route(Rule::permission::<Manage>(), routes!(claim))
        .route(Rule::permission::<Manage>(), routes!(release))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimDomain {
    /// The host name, without port and path.
    #[schema(example = "members.acme.example")]
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Domains {
    domains: Vec<DomainView>,
}

/// A host name that the tenant claims.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
struct DomainView {
    id: Uuid,
    name: String,
    /// When ownership was proven; the domain leads to the tenant from then on.
    verified_at: Option<DateTime<Utc>>,
    /// What proves ownership. Publish it, then ask the operator to verify.
    record: TxtRecord,
}

/// A record to publish in the DNS.
#[derive(Debug, Serialize, ToSchema)]
struct TxtRecord {
    #[serde(rename = "type")]
    #[schema(example = "TXT")]
    kind: &'static str,
    #[schema(example = "_saas-verify.members.acme.example")]
    name: String,
    value: String,
}

impl From<Domain> for DomainView {
    fn from(domain: Domain) -> Self {
        let name = domain.name.to_string();
        let record =
            TxtRecord { kind: "TXT", name: format!("_saas-verify.{name}"), value: domain.token };
        Self { id: domain.id.as_uuid(), verified_at: domain.verified_at, record, name }
    }
}

/// The domains that the tenant claims.
#[utoipa::path(
    get, path = "/tenant/domains", tag = "tenant", operation_id = "list_domains",
    responses((status = OK, body = Domains)),
)]
async fn list(
    State(store): State<Arc<dyn TenantStore>>,
    tenant: ResolvedTenant,
) -> Result<axum::Json<Domains>, AppError> {
    let domains = store.domains(tenant.id).await?;
    Ok(axum::Json(Domains { domains: domains.into_iter().map(DomainView::from).collect() }))
}

/// Claims a domain.
///
/// It leads to the tenant only once its ownership is proven by the TXT record in the answer. The
/// operator verifies it with `membership tenant domain verify`.
#[utoipa::path(
    post, path = "/tenant/domains", tag = "tenant", operation_id = "claim_domain", request_body = ClaimDomain,
    responses((status = CREATED, body = DomainView, headers(("location" = String)))),
)]
async fn claim(
    State(state): State<AppState>,
    may: Granted<Manage>,
    scope: Scope,
    Json(body): Json<ClaimDomain>,
) -> Result<impl IntoResponse, AppError> {
    let name = check(&body.name, &state.public_url)?;
    if state.store.domains(may.tenant()).await?.len() >= MOST_DOMAINS {
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_domains")
            .with_detail(format!("a tenant may claim {MOST_DOMAINS} domains; remove one first"))
            .into());
    }
    let domain = Domain {
        id: DomainId::generate(&state.clock),
        tenant: may.tenant(),
        name,
        token: token()?,
        verified_at: None,
    };
    let after = json!({ "name": domain.name.as_str() });
    let states = (None, Some(&after));
    let note = audit_log::note(&scope, &state.clock, DOMAIN_CLAIM, ("domain", &domain.id), states);
    state.store.claim_domain(domain.clone(), Some(note)).await?;
    let location = format!("/api/v1/tenant/domains/{}", domain.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(DomainView::from(domain))))
}

/// Gives a domain up. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/tenant/domains/{id}", tag = "tenant", operation_id = "release_domain",
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT)),
)]
async fn release(
    State(state): State<AppState>,
    may: Granted<Manage>,
    scope: Scope,
    Id(id): Id<DomainId>,
) -> Result<StatusCode, AppError> {
    let domains = state.store.domains(may.tenant()).await?;
    let Some(domain) = domains.iter().find(|domain| domain.id == id) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found")
            .with_detail("there is nothing at this address")
            .into());
    };
    let before = json!({ "name": domain.name.as_str(), "verified_at": domain.verified_at });
    let states = (Some(&before), None);
    let note = audit_log::note(&scope, &state.clock, DOMAIN_RELEASE, ("domain", &id), states);
    state.store.release_domain(may.tenant(), id, Some(note)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name that can be somebody's own: not below ours, and not a bare label.
fn check(text: &str, public: &PublicUrl) -> Result<HostName, AppError> {
    let mut faults = Faults::new();
    let name = faults.check("name", parse(text).and_then(|name| own(name, public)));
    faults.finish(name)
}

fn own(name: HostName, public: &PublicUrl) -> Result<HostName, Invalid> {
    let base = public.base_domain();
    if name.as_str() == base || name.as_str().ends_with(&format!(".{base}")) {
        return Err(Invalid::new("reserved", format!("must not be `{base}` or below it")));
    }
    if !name.as_str().contains('.') {
        let detail = "must have at least two labels, like `acme.example`";
        return Err(Invalid::new("invalid_value", detail));
    }
    Ok(name)
}

/// 256 random bits, so that nobody can publish a record for a claim they have not made.
fn token() -> Result<String, AppError> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_somebodys_own_name() {
        let public: PublicUrl = "https://app.example.com".parse().unwrap();
        assert!(check("Members.Acme.example", &public).is_ok());
        for wrong in ["app.example.com", "evil.app.example.com", "localhost", "192.0.2.1", "a b.c"]
        {
            assert!(check(wrong, &public).is_err(), "{wrong}");
        }
        // A name that only ends alike is not below ours.
        assert!(check("notapp.example.com", &public).is_ok());
    }

    #[test]
    fn two_claims_never_share_a_token() {
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
