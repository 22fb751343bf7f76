//! What only a connection can say: heads that are no HTTP, and lengths that are not true.
//!
//! Below the application, the HTTP parser answers what is no HTTP by itself: 400 without a body.

use crate::app::{
    App,
    rows::Rows,
    wire::{Served, get, post},
};

/// The status of the answer, from a server that must give one.
async fn status(served: &Served, bytes: &[u8]) -> u16 {
    let mut client = served.connect().await;
    client.send(bytes).await;
    client.reply().await.unwrap().status
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_changes_nothing() {
    let app = App::new().await;
    app.add_type("acme", "Gold").await;
    let mut rows = Rows::of(app.world(), &[]).await;
    let before = rows.fingerprint().await;
    let served = Served::start(app.router()).await;
    let heads: [&[u8]; 13] = [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /t/acme/api/v1/members\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /t/acme/api/v1/members?search=\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /t/acme/api/v1/mem bers HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /t/acme/api/v1/members HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"GET /t/acme/api/v1/members HTTP/1.1\r\nhost: a\0b\r\n\r\n",
        b"GET /t/acme/api/v1/members HTTP/1.1\r\nhost : localhost\r\n\r\n",
        b"GET /t/acme/api/v1/members HTTP/1.1\r\nif-match: \x07\r\n\r\n",
        b"DELETE /t/acme/api/v1/members HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /t/acme/api/v1/members HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /t/acme/api/v1/members HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\nx",
        b"POST /t/acme/api/v1/members HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ];
    for head in heads {
        let status = status(&served, head).await;
        let shown = String::from_utf8_lossy(head);
        assert!((400..500).contains(&status), "{shown}: {status:?}");
        assert_eq!(rows.fingerprint().await, before, "{shown}");
    }
    // The server is still there.
    let mut client = served.connect().await;
    assert_eq!(client.get("/t/acme/api/v1/members").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_body_that_is_shorter_or_longer_than_it_says_makes_nothing() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Gold").await;
    let mut rows = Rows::of(app.world(), &[]).await;
    let before = rows.fingerprint().await;
    let served = Served::start(app.router()).await;
    let body = crate::app::member(&kind, 1).to_string();
    let path = "/t/acme/api/v1/members";
    let right = post(path, &body);
    let length = format!("content-length: {}", body.len());
    let with = |length_of_body: usize| {
        right.replace(&length, &format!("content-length: {length_of_body}")).into_bytes()
    };
    for shorter in [0, 1, body.len() - 1] {
        assert_eq!(status(&served, &with(shorter)).await, 400, "{shorter}");
        assert_eq!(rows.fingerprint().await, before, "{shorter}");
    }
    for longer in [body.len() + 1, 100_000, 2 * 1024 * 1024] {
        let mut client = served.connect().await;
        client.send(&with(longer)).await;
        client.finish().await;
        // The rest never comes: there is no answer, or one that says so.
        let reply = client.reply().await;
        assert!(reply.as_ref().map_or(true, |reply| reply.status == 400), "{longer}: {reply:?}");
        assert_eq!(rows.fingerprint().await, before, "{longer}");
    }
    // Two lengths at once are how one request is smuggled behind another.
    let both = right.replace(&length, &format!("{length}\r\ntransfer-encoding: chunked"));
    let smuggled = format!("{both}\r\n{}", get("/t/hooli/api/v1/members"));
    assert!((400..500).contains(&status(&served, smuggled.as_bytes()).await));
    assert_eq!(rows.fingerprint().await, before);
    assert_eq!(status(&served, right.as_bytes()).await, 201);
    assert_ne!(rows.fingerprint().await, before);
}
