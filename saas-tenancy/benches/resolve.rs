//! What it costs to tie a request to its tenant when the tenant is in the cache.
//!
//! The difference between `behind_the_layer` and `bare_service` is the price of a request.

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use divan::{Bencher, black_box};
use futures_util::FutureExt;
use http::Request;
use saas_core::{Clock, RequestId, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, TenantLayer, TenantStore,
    resolve::{Authentication, BaseDomains, HostName, Resolvers},
    store::{CachedTenantStore, MemoryTenantStore},
};
use tower::{Layer, Service, service_fn};

fn main() {
    divan::main();
}

async fn answer(_: Request<Body>) -> Result<Response, Infallible> {
    Ok(Response::new(Body::empty()))
}

fn request(clock: &Clock) -> Request<Body> {
    Request::get("/api/v1/members?page=1")
        .header("host", "acme.localhost:8080")
        .extension(RequestId::generate(clock))
        .body(Body::empty())
        .expect("the parts are constants")
}

/// Calls a service whose future never waits.
fn call<S>(service: &mut S, request: Request<Body>) -> Response
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let answered = service.call(request).now_or_never().expect("a cache hit does not wait");
    answered.unwrap_or_else(|never| match never {})
}

#[divan::bench]
fn bare_service(bencher: Bencher<'_, '_>) {
    let clock = Clock::system();
    let mut service = service_fn(answer);
    bencher.with_inputs(|| request(&clock)).bench_local_values(|one| call(&mut service, one));
}

#[divan::bench]
fn behind_the_layer(bencher: Bencher<'_, '_>) {
    let clock = Clock::system();
    let mut service = layer(&clock).layer(service_fn(answer));
    call(&mut service, request(&clock));
    bencher.with_inputs(|| request(&clock)).bench_local_values(|one| call(&mut service, one));
}

#[divan::bench]
fn parse_a_host() -> Option<HostName> {
    black_box("members.acme.example").parse().ok()
}

/// The layer as an application builds it, over a cache that holds the tenant.
fn layer(clock: &Clock) -> TenantLayer {
    let store = MemoryTenantStore::new(clock.clone());
    let id = TenantId::generate(clock);
    let slug = "acme".parse().expect("a valid slug");
    let made = store.insert(NewTenant::new(id, slug, "Acme", Isolation::Shared)).now_or_never();
    assert!(matches!(made, Some(Ok(_))));
    assert!(matches!(store.mark_ready(id).now_or_never(), Some(Ok(()))));
    let store = CachedTenantStore::new(Arc::new(store), clock.clone());
    let bases = BaseDomains::new(["localhost"]).expect("a valid base domain");
    let resolvers =
        Resolvers::new(Authentication::Absent).subdomain(&bases).custom_domain(&bases).path();
    TenantLayer::new(Arc::new(store), resolvers, clock.clone())
}
