//! The resolver that `docs/src/extend/a_resolver.md` builds.

use std::sync::Arc;

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode, header};
use saas_core::{Clock, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, TenancyError, TenantLayer, TenantStore,
    domain::{Domain, DomainId},
    resolve::{
        Authentication, BaseDomains, Candidate, ChainError, Host, RequestAddress, ResolveTenant,
        Resolvers, Trust,
    },
    store::MemoryTenantStore,
};
use tower::{Layer, ServiceExt};

// ANCHOR: resolver
/// Reads the tenant from the page that embeds a part of the application: its own website.
#[derive(Debug)]
struct EmbeddingPage;

impl ResolveTenant for EmbeddingPage {
    fn resolve(&self, request: &RequestAddress<'_>) -> Result<Option<Candidate>, TenancyError> {
        let Some(origin) = request.single_header(&header::ORIGIN)? else { return Ok(None) };
        let host = origin.strip_prefix("https://").and_then(|host| host.parse::<Host>().ok());
        let host = host.ok_or(TenancyError::BadAddress("`Origin` must be a page over https"))?;
        // An address has no owner.
        let name = host.name().ok_or(TenancyError::NotFound)?;
        Ok(Some(Candidate::Domain(name.clone())))
    }

    fn trust(&self) -> Trust {
        Trust::Header
    }
}
// ANCHOR_END: resolver

// ANCHOR: chain
fn sources(bases: &BaseDomains) -> Result<Resolvers, ChainError> {
    Resolvers::new(Authentication::Absent).subdomain(bases).with(EmbeddingPage)
}
// ANCHOR_END: chain

/// Two tenants, of which each has a website.
async fn store() -> Arc<dyn TenantStore> {
    let clock = Clock::system();
    let store = MemoryTenantStore::new(clock.clone());
    for slug in ["acme", "globex"] {
        let id = TenantId::generate(&clock);
        let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
        store.insert(new).await.unwrap();
        store.mark_ready(id).await.unwrap();
        let domain = DomainId::generate(&clock);
        let name = format!("members.{slug}.example").parse().unwrap();
        let claim = Domain { id: domain, tenant: id, name, token: "t".into(), verified_at: None };
        store.claim_domain(claim, None).await.unwrap();
        store.set_verified(id, domain, Some(clock.now())).await.unwrap();
    }
    Arc::new(store)
}

// ANCHOR: test
#[tokio::test]
async fn a_page_names_the_tenant_that_owns_its_domain() {
    let bases = BaseDomains::new(["localhost"]).unwrap();
    let layer = TenantLayer::new(store().await, sources(&bases).unwrap(), Clock::system());
    let app = layer.layer(
        Router::new()
            .route("/", get(|tenant: ResolvedTenant| async move { tenant.slug.to_string() })),
    );

    let acme = "https://members.acme.example";
    for (host, origins, status) in [
        ("localhost", &[acme][..], StatusCode::OK),
        ("acme.localhost", &[acme], StatusCode::OK),
        ("globex.localhost", &[acme], StatusCode::BAD_REQUEST),
        ("localhost", &[acme, acme], StatusCode::BAD_REQUEST),
        ("localhost", &["null"], StatusCode::BAD_REQUEST),
        ("localhost", &["http://members.acme.example"], StatusCode::BAD_REQUEST),
        ("localhost", &["https://members.initech.example"], StatusCode::NOT_FOUND),
        ("localhost", &["https://127.0.0.1"], StatusCode::NOT_FOUND),
        ("localhost", &[], StatusCode::NOT_FOUND),
    ] {
        let mut request = Request::get("/").header("host", host);
        for origin in origins {
            request = request.header("origin", *origin);
        }
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{host}, {origins:?}");
    }
}
// ANCHOR_END: test

#[test]
fn its_trust_keeps_it_out_where_membership_is_not_checked() {
    let refused = Resolvers::new(Authentication::WithoutMembership).with(EmbeddingPage);
    assert!(matches!(refused, Err(ChainError::HeaderWithoutMembership)));
}
