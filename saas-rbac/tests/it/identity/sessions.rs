use std::time::Duration;

use saas_core::{Actor, RequestId, Scope, SessionId};
use saas_rbac::{
    session::{CookieKind, Cookies, SessionError, SessionKind, Transport},
    sign_in::{Credential, SignedIn, Wanted},
};
use secrecy::{ExposeSecret, SecretString};

use super::house::{House, PASSWORD, client, log_in, secret};

const DAY: u64 = 86_400;

async fn browser(house: &House, name: &str) -> (SignedIn, SecretString) {
    let request = log_in(name, PASSWORD).for_a(Wanted::Cookie);
    let signed_in = house.sign_in.log_in(request).await.unwrap();
    let Credential::Cookie(value) = signed_in.credential.clone() else { panic!("no cookie") };
    (signed_in, value)
}

#[tokio::test]
async fn a_cookie_leads_back_to_its_session_and_no_other_text_does() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (signed_in, value) = browser(&house, "ann").await;
    let cookies = Cookies::new(Transport::Tls);
    let set = cookies.set(CookieKind::Session, &value, Duration::from_secs(DAY));
    let sent = set.to_str().unwrap().split(';').next().unwrap();
    let headers = [(http::header::COOKIE, sent.parse().unwrap())].into_iter().collect();
    let read = cookies.read(CookieKind::Session, &headers).unwrap();
    let session = house.sessions.resume(&read).await.unwrap().unwrap();
    assert_eq!(
        (session.id, session.user, session.kind),
        (signed_in.session.id, ann.id, SessionKind::Browser)
    );
    assert_eq!(session.client, client());
    let almost = value.expose_secret().replacen(|_: char| true, "_", 1);
    for other in ["", "x", &almost, &"A".repeat(43), "💥"] {
        assert_eq!(house.sessions.resume(&secret(other)).await.unwrap(), None, "{other}");
    }
    let sql = "select count(*) from saas_rbac.sessions where octet_length(secret_hash) = 32";
    assert_eq!(house.count(sql).await, 1);
}

#[tokio::test]
async fn when_a_session_was_last_seen_is_written_once_a_minute() {
    let house = House::new().await;
    house.person("ann").await;
    let (signed_in, value) = browser(&house, "ann").await;
    let begun = signed_in.session.last_seen_at;
    house.advance(59);
    assert_eq!(house.sessions.resume(&value).await.unwrap().unwrap().last_seen_at, begun);
    house.advance(1);
    let seen = house.sessions.resume(&value).await.unwrap().unwrap();
    assert_eq!(seen.last_seen_at, house.clock.now());
    assert_eq!(seen.idle_until, house.clock.now() + chrono::TimeDelta::days(14));
    house.advance(30);
    assert_eq!(house.sessions.resume(&value).await.unwrap().unwrap(), seen);
}

#[tokio::test]
async fn a_browsers_session_ends_when_it_is_idle_and_at_the_latest_after_thirty_days() {
    let house = House::new().await;
    house.person("ann").await;
    let (_, idle) = browser(&house, "ann").await;
    let (_, used) = browser(&house, "ann").await;
    for _ in 0..29 {
        house.advance(DAY);
        assert!(house.sessions.resume(&used).await.unwrap().is_some());
    }
    assert_eq!(house.sessions.resume(&idle).await.unwrap(), None);
    house.advance(DAY);
    assert_eq!(house.sessions.resume(&used).await.unwrap(), None);
}

#[tokio::test]
async fn a_person_lists_their_sessions_and_ends_one_the_others_or_all() {
    let house = House::new().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let mut mine = Vec::new();
    for _ in 0..4 {
        mine.push(house.log_in("ann").await.session.id);
        house.advance(1);
    }
    let theirs = house.log_in("bob").await.session.id;
    let listed = || async {
        let list = house.sessions.list(ann.id).await.unwrap();
        list.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    mine.reverse();
    assert_eq!(listed().await, mine);

    house.sessions.revoke(ann.id, mine[3]).await.unwrap();
    let again = house.sessions.revoke(ann.id, mine[3]).await;
    assert!(matches!(again, Err(SessionError::NotFound)));
    let not_mine = house.sessions.revoke(ann.id, theirs).await;
    assert!(matches!(not_mine, Err(SessionError::NotFound)));
    assert_eq!(listed().await, mine[..3]);

    assert_eq!(house.sessions.revoke_others(ann.id, mine[1]).await.unwrap(), 2);
    assert_eq!(listed().await, [mine[1]]);
    assert_eq!(house.sessions.revoke_all(ann.id).await.unwrap(), 1);
    assert_eq!(listed().await, []);
    assert_eq!(house.sessions.list(bob.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_tenant_ends_the_sessions_that_are_bound_to_it_and_no_others() {
    let house = House::new().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (acme, globex) = (house.tenant("acme", ann.id).await, house.tenant("globex", bob.id).await);
    let bound = house.sign_in.log_in(log_in("ann", PASSWORD).in_tenant(acme)).await.unwrap();
    let free = house.log_in("ann").await;
    let other = house.sign_in.log_in(log_in("bob", PASSWORD).in_tenant(globex)).await.unwrap();
    let scope = Scope::new(acme, Actor::User { id: ann.id }, RequestId::generate(&house.clock));
    assert_eq!(house.sessions.revoke_of_tenant(&scope).await.unwrap(), 1);
    assert_eq!(house.end_of(bound.session.id).await.as_deref(), Some("by_tenant"));
    assert_eq!(house.end_of(free.session.id).await, None);
    assert_eq!(house.end_of(other.session.id).await, None);
}

#[tokio::test]
async fn sessions_that_are_long_over_are_removed_a_few_at_a_time() {
    let house = House::new().await;
    house.person("ann").await;
    for _ in 0..3 {
        house.log_in("ann").await;
    }
    house.advance(59 * DAY);
    assert_eq!(house.sessions.sweep(10).await.unwrap(), 0, "still remembered");
    house.advance(2 * DAY);
    let kept: SessionId = house.log_in("ann").await.session.id;
    assert_eq!(house.sessions.sweep(2).await.unwrap(), 2);
    assert_eq!(house.sessions.sweep(2).await.unwrap(), 1);
    assert_eq!(house.end_of(kept).await, None);
    assert_eq!(house.count("select count(*) from saas_rbac.refresh_tokens").await, 1);
}
