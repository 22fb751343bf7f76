//! Which tenant a host names, in all the shapes hosts come in.

use http::Request;

use super::{
    app::{App, PROXY, from_peer, get},
    fixed_store::ACME_DOMAIN,
};

fn found(slug: &str) -> (u16, String) {
    (200, slug.to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_host_names_its_tenant_in_every_shape() {
    let app = App::new();
    for host in [
        "acme.localhost",
        "acme.localhost:8080",
        "ACME.LOCALHOST",
        "acme.localhost.",
        "acme.localhost.:8080",
        "acme.app.example.com",
        ACME_DOMAIN,
        "MEMBERS.Acme.Example.:443",
    ] {
        assert_eq!(app.ask(get("/", host)).await, found("acme"), "{host}");
    }
    assert_eq!(app.ask(get("/", "globex.localhost")).await, found("globex"));
}

#[tokio::test]
async fn a_host_that_names_no_tenant_is_answered_404() {
    let app = App::new();
    for host in [
        "localhost",
        "app.example.com",
        "127.0.0.1:8080",
        "[::1]:8080",
        "unknown.localhost",
        "www.localhost",
        "api.localhost",
        "xn--cme-5cd.localhost",
        "ab.localhost",
        "x.acme.localhost",
        "acme.x.localhost",
        "acmelocalhost",
        "localhost.acme",
        "acme.localhost.evil.example",
        "unverified.example",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(app.ask(get("/", host)).await, refused(404, "tenant_not_found"), "{host}");
    }
    let without_host = Request::get("/");
    assert_eq!(app.ask(without_host).await, refused(404, "tenant_not_found"));
    assert_eq!(app.ask(get("/", "")).await, refused(404, "tenant_not_found"));
}

#[tokio::test]
async fn a_host_that_is_none_is_answered_400() {
    let app = App::new();
    for host in [
        "acme..localhost",
        "acme@localhost",
        "acme.localhost:http",
        "acme.localhost,globex.localhost",
        "acme.localhost globex.localhost",
        "%61cme.localhost",
        "ac_me.localhost",
        "xn--a.localhost",
        "acme.0x7f",
        "[::1",
    ] {
        assert_eq!(app.ask(get("/", host)).await, refused(400, "bad_address"), "{host}");
    }
    let unicode = Request::get("/").header("host", "büro.localhost".as_bytes());
    assert_eq!(app.ask(unicode).await, refused(400, "bad_address"));
}

#[tokio::test]
async fn several_host_headers_are_refused_even_if_they_are_equal() {
    let app = App::new();
    for second in ["acme.localhost", "globex.localhost", ""] {
        let request = get("/", "acme.localhost").header("Host", second);
        assert_eq!(app.ask(request).await, refused(400, "bad_address"), "{second}");
    }
}

#[tokio::test]
async fn an_absolute_target_counts_and_must_agree_with_the_host_header() {
    let app = App::new();
    let target = "http://acme.localhost:8080/";
    assert_eq!(app.ask(Request::get(target)).await, found("acme"));
    assert_eq!(app.ask(get(target, "ACME.localhost.")).await, found("acme"));
    let differing = app.ask(get(target, "globex.localhost")).await;
    assert_eq!(differing, refused(400, "tenant_conflict"));
    let userinfo = Request::get("http://globex.localhost@acme.localhost/");
    assert_eq!(app.ask(userinfo).await, refused(400, "bad_address"));
}

#[tokio::test]
async fn a_forwarded_host_of_a_stranger_is_ignored() {
    let app = App::new();
    let request = || get("/", "acme.localhost").header("x-forwarded-host", "globex.localhost");
    assert_eq!(app.ask(request()).await, found("acme"));
    assert_eq!(app.ask(from_peer(request(), "10.0.0.2:4711")).await, found("acme"));
    let forwarded = get("/", "acme.localhost").header("forwarded", "host=globex.localhost");
    assert_eq!(app.ask(from_peer(forwarded, PROXY)).await, found("acme"));
}

#[tokio::test]
async fn of_a_trusted_proxy_only_the_rightmost_forwarded_host_counts() {
    let app = App::new();
    for (value, slug) in [
        ("globex.localhost", "globex"),
        ("acme.localhost, globex.localhost", "globex"),
        ("not a host,\tGlobex.localhost:443 ", "globex"),
    ] {
        let request = get("/", "internal_backend:9000").header("x-forwarded-host", value);
        assert_eq!(app.ask(from_peer(request, PROXY)).await, found(slug), "{value}");
    }
    let mapped = get("/", "acme.localhost").header("x-forwarded-host", "globex.localhost");
    assert_eq!(app.ask(from_peer(mapped, "[::ffff:10.0.0.1]:4711")).await, found("globex"));
    let silent = from_peer(get("/", "acme.localhost"), PROXY);
    assert_eq!(app.ask(silent).await, found("acme"));
}

#[tokio::test]
async fn an_unclear_forwarded_host_of_a_trusted_proxy_is_refused() {
    let app = App::new();
    let twice = get("/", "acme.localhost")
        .header("x-forwarded-host", "acme.localhost")
        .header("X-Forwarded-Host", "acme.localhost");
    assert_eq!(app.ask(from_peer(twice, PROXY)).await, refused(400, "bad_address"));
    for value in ["", "acme.localhost,", "acme.localhost;x"] {
        let request = get("/", "acme.localhost").header("x-forwarded-host", value);
        let answer = app.ask(from_peer(request, PROXY)).await;
        assert_eq!(answer, refused(400, "bad_address"), "{value}");
    }
}
