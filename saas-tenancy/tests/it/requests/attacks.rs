//! Requests that try to reach a tenant which is not theirs.

use http::Request;
use proptest::prelude::*;
use saas_tenancy::{
    Presence,
    resolve::{Authentication, ChainError, Resolvers, TenantClaim, TenantHeader},
};

use super::app::{App, get, resolvers};

fn conflict() -> (u16, String) {
    (400, "tenant_conflict".to_owned())
}

#[tokio::test]
async fn a_header_is_ignored_where_it_is_no_source() {
    let app = App::with(resolvers(), Presence::Required);
    let request = get("/", "acme.localhost").header("x-tenant-id", "globex");
    assert_eq!(app.ask(request).await, (200, "acme".to_owned()));
}

#[tokio::test]
async fn sources_that_name_different_tenants_are_refused_whatever_their_trust() {
    let app = App::new();
    let globex = app.store.id("globex");
    for request in [
        get("/", "acme.localhost").header("x-tenant-id", "globex"),
        get("/", "acme.localhost").header("x-tenant-id", globex.to_string()),
        get("/", "acme.localhost").extension(TenantClaim(globex)),
        get("/", "members.acme.example").extension(TenantClaim(globex)),
        get("/t/globex/api", "acme.localhost"),
        get("/t/globex/api", "members.acme.example"),
        get("/t/acme/api", "localhost").header("x-tenant-id", "globex"),
        get("/t/acme/api", "localhost").extension(TenantClaim(globex)),
        get("/", "localhost").header("x-tenant-id", "acme").extension(TenantClaim(globex)),
        get("/t/acme/t/globex/api", "localhost"),
    ] {
        let shown = format!("{:?}", request.uri_ref());
        assert_eq!(app.ask(request).await, conflict(), "{shown}");
    }
}

#[tokio::test]
async fn sources_that_agree_are_served_with_the_trust_of_the_best() {
    let app = App::new();
    let acme = app.store.id("acme");
    for (request, source) in [
        (get("/", "localhost").header("x-tenant-id", "acme"), "Header"),
        (get("/t/acme", "localhost").header("x-tenant-id", acme.to_string()), "Path"),
        (get("/t/acme", "acme.localhost").header("x-tenant-id", "acme"), "Host"),
        (get("/t/acme", "members.acme.example"), "Host"),
        (get("/t/acme", "acme.localhost").extension(TenantClaim(acme)), "Credential"),
        (get("/", "localhost").extension(TenantClaim(acme)), "Credential"),
    ] {
        let (status, body) = app.send(request).await;
        assert_eq!((status.as_u16(), &body["slug"]), (200, &"acme".into()), "{source}");
        assert_eq!(body["source"], source);
    }
}

#[tokio::test]
async fn a_header_that_comes_twice_or_lists_tenants_is_refused() {
    let app = App::new();
    let twice = get("/", "localhost").header("X-Tenant-ID", "acme").header("x-tenant-id", "acme");
    assert_eq!(app.ask(twice).await, (400, "bad_address".to_owned()));
    for value in ["acme,globex", "acme, acme", "", "acme globex", "*", "../acme"] {
        let request = get("/", "localhost").header("x-tenant-id", value);
        assert_eq!(app.ask(request).await, (400, "bad_address".to_owned()), "{value}");
    }
}

#[tokio::test]
async fn an_unknown_tenant_in_any_source_is_404_beside_a_known_one() {
    let app = App::new();
    let nobody = TenantClaim("018f4d3c-0000-7000-8000-00000000002a".parse().unwrap());
    for request in [
        get("/", "acme.localhost").header("x-tenant-id", "nobody"),
        get("/", "acme.localhost").header("x-tenant-id", "www"),
        get("/", "acme.localhost").extension(nobody),
        get("/t/nobody", "acme.localhost"),
        get("/t/acme", "nobody.localhost"),
        get("/t/acme", "nobody.example"),
        get("/t/admin", "localhost"),
    ] {
        let shown = format!("{:?}", request.uri_ref());
        assert_eq!(app.ask(request).await, (404, "tenant_not_found".to_owned()), "{shown}");
    }
}

#[tokio::test]
async fn a_path_with_two_readings_is_refused_on_every_host() {
    let app = App::new();
    for path in ["//t/globex", "/t/acme/../globex", "/t/acme/%2e%2e/globex", "/%74/globex"] {
        for host in ["localhost", "acme.localhost"] {
            let answer = app.ask(get(path, host)).await;
            assert_eq!(answer, (400, "bad_address".to_owned()), "{host}{path}");
        }
    }
}

#[tokio::test]
async fn a_half_made_tenant_cannot_be_reached_by_its_id() {
    let app = App::new();
    let id = app.store.id("halfmade");
    for request in [
        get("/", "localhost").extension(TenantClaim(id)),
        get("/", "localhost").header("x-tenant-id", id.to_string()),
        get("/", "halfmade.localhost").extension(TenantClaim(id)),
    ] {
        assert_eq!(app.ask(request).await, (404, "tenant_not_found".to_owned()));
    }
}

#[test]
fn a_header_beside_authentication_without_membership_stops_the_start() {
    let chain = |authentication| Resolvers::new(authentication).header().map(drop);
    let refused = chain(Authentication::WithoutMembership);
    assert_eq!(refused, Err(ChainError::HeaderWithoutMembership));
    assert_eq!(chain(Authentication::WithMembership), Ok(()));
    assert_eq!(chain(Authentication::Absent), Ok(()));
    // A source of the application's own is held to the same rule, by its trust.
    let own = Resolvers::new(Authentication::WithoutMembership).with(TenantHeader);
    assert_eq!(own.map(drop), Err(ChainError::HeaderWithoutMembership));
}

#[test]
fn a_header_cannot_slip_in_by_declaring_that_nobody_signs_in() {
    for chain in [
        Resolvers::new(Authentication::Absent).claim(),
        Resolvers::new(Authentication::Absent).header().and_then(Resolvers::claim),
    ] {
        assert_eq!(chain.map(drop), Err(ChainError::ClaimWithoutAuthentication));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_reaches_a_tenant_that_it_does_not_name(
        host in fragment(), header in fragment(), forwarded in fragment(), path in path(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut request = Request::get(path.as_str());
        for (name, value) in [("host", &host), ("x-tenant-id", &header)] {
            if let Some(value) = value {
                request = request.header(name, value.as_slice());
            }
        }
        if let Some(value) = &forwarded {
            request = request.header("x-forwarded-host", value.as_slice());
        }
        // What is no target at all does not come past the server.
        prop_assume!(request.headers_ref().is_some());
        let (status, word) = runtime.block_on(App::new().ask(request));
        match status {
            200 => {
                let named = [host, header, Some(path.into_bytes())].into_iter().flatten();
                let mut named = named.map(|bytes| String::from_utf8_lossy(&bytes).to_lowercase());
                prop_assert!(named.any(|text| text.contains(&word)), "{}", word);
            }
            400 => prop_assert!(word == "bad_address" || word == "tenant_conflict", "{}", word),
            404 => prop_assert_eq!(word, "tenant_not_found"),
            other => prop_assert!(false, "{} {}", other, word),
        }
    }
}

/// Random bytes that a header may hold, or pieces of real names put together.
fn fragment() -> impl Strategy<Value = Option<Vec<u8>>> {
    let pieces =
        "(acme|globex|ACME|www|xn--cme-5cd)?([.,:@ ]|%2e)?(localhost|example|acme)?[.:]?[0-9]{0,2}";
    prop::option::of(prop_oneof![
        prop::collection::vec(prop_oneof![32u8..127, 128u8..=255], 0..40),
        pieces.prop_map(String::into_bytes),
        Just(b"acme.localhost".to_vec()),
    ])
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof!["/", "/t/(acme|globex)(/[a-z.%2]{0,6})?", "/[t/%.\\\\a-z0-9]{0,24}"]
}
