use chrono::TimeDelta;
use saas_core::Problem;
use saas_rbac::{mail::MailKind, sign_in::RefreshError};
use secrecy::{ExposeSecret, SecretString};

use super::house::{House, PASSWORD, log_in, secret, tokens};

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_refresh_token_is_good_once_and_gives_the_next() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let acme = house.tenant("acme", ann.id).await;
    let signed_in = house.sign_in.log_in(log_in("ann", PASSWORD).in_tenant(acme)).await.unwrap();
    let mut token = tokens(&signed_in).refresh_token.clone();
    for _ in 0..3 {
        house.advance(600);
        let next = house.sign_in.refresh(&token).await.unwrap();
        assert_ne!(next.tokens.refresh_token.expose_secret(), token.expose_secret());
        let claims = house.claims(&next.tokens.access_token);
        assert_eq!((claims.sid, claims.tid), (signed_in.session.id, Some(acme)), "it stays bound");
        assert_eq!(claims.iat, house.clock.now());
        assert_eq!(claims.auth_time, signed_in.session.authenticated_at);
        token = next.tokens.refresh_token;
    }
}

#[tokio::test]
async fn a_second_use_within_ten_seconds_gets_the_same_pair() {
    let house = House::new().await;
    house.person("ann").await;
    let token = tokens(&house.log_in("ann").await).refresh_token.clone();
    house.advance(5);
    let first = house.sign_in.refresh(&token).await.unwrap().tokens;
    house.advance(10);
    let second = house.sign_in.refresh(&token).await.unwrap().tokens;
    assert_eq!(first.access_token.expose_secret(), second.access_token.expose_secret());
    assert_eq!(first.refresh_token.expose_secret(), second.refresh_token.expose_secret());
    assert_eq!(first.refresh_expires_in, second.refresh_expires_in);
    assert!(house.sign_in.refresh(&second.refresh_token).await.is_ok());
}

/// J38.
#[tokio::test]
async fn a_later_second_use_ends_the_session_and_tells_its_person() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let signed_in = house.log_in("ann").await;
    let token = tokens(&signed_in).refresh_token.clone();
    let next = house.sign_in.refresh(&token).await.unwrap().tokens;
    house.advance(11);
    let reused = house.sign_in.refresh(&token).await.unwrap_err();
    let RefreshError::Reused { user, session, tenant } = reused else { panic!("{reused:?}") };
    assert_eq!((user, session, tenant), (ann.id, signed_in.session.id, None));
    assert_eq!(house.end_of(session).await.as_deref(), Some("refresh_reuse"));
    let over = house.sign_in.refresh(&next.refresh_token).await.unwrap_err();
    assert!(matches!(over, RefreshError::InvalidGrant), "the successor is over, too");
    let again = house.sign_in.refresh(&token).await.unwrap_err();
    assert!(matches!(again, RefreshError::InvalidGrant), "told once");
    let mails = house.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [MailKind::SignInEnded]);
}

#[tokio::test]
async fn every_refused_refresh_looks_the_same() {
    let house = House::new().await;
    house.person("ann").await;
    let signed_in = house.log_in("ann").await;
    let token = tokens(&signed_in).refresh_token.clone();
    house.sign_in.refresh(&token).await.unwrap();
    house.advance(60);
    let mut bodies = Vec::new();
    let unknown = "A".repeat(43);
    for presented in
        [token, tokens(&signed_in).access_token.clone(), secret(&unknown), secret(""), secret("💥")]
    {
        let error = house.sign_in.refresh(&presented).await.unwrap_err();
        bodies.push(serde_json::to_string(&Problem::from(error)).unwrap());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].contains(r#""status":400,"code":"invalid_grant""#), "{}", bodies[0]);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_for_fourteen_days() {
    let house = House::new().await;
    house.person("ann").await;
    let token = tokens(&house.log_in("ann").await).refresh_token.clone();
    house.advance(14 * DAY - 1);
    let next = house.sign_in.refresh(&token).await.unwrap().tokens.refresh_token;
    house.advance(14 * DAY);
    assert!(matches!(house.sign_in.refresh(&next).await, Err(RefreshError::InvalidGrant)));
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_it_is_used() {
    let house = House::new().await;
    house.person("ann").await;
    let signed_in = house.log_in("ann").await;
    let mut token = tokens(&signed_in).refresh_token.clone();
    for _ in 0..29 {
        house.advance(DAY);
        token = house.sign_in.refresh(&token).await.unwrap().tokens.refresh_token;
    }
    house.advance(DAY - 60);
    let last = house.sign_in.refresh(&token).await.unwrap().tokens;
    let claims = house.claims(&last.access_token);
    assert_eq!(claims.exp, signed_in.session.expires_at, "no token outlives its session");
    assert_eq!(claims.exp - claims.iat, TimeDelta::seconds(60));
    house.advance(60);
    assert!(matches!(
        house.sign_in.refresh(&last.refresh_token).await,
        Err(RefreshError::InvalidGrant)
    ));
}

#[tokio::test]
async fn whoever_logs_out_is_out_with_every_token() {
    let house = House::new().await;
    house.person("ann").await;
    let by_id = house.log_in("ann").await;
    house.sign_in.log_out(by_id.session.user, by_id.session.id).await.unwrap();
    let by_token = house.log_in("ann").await;
    house.sign_in.log_out_with(&tokens(&by_token).refresh_token).await.unwrap();
    for gone in [by_id, by_token] {
        assert_eq!(house.end_of(gone.session.id).await.as_deref(), Some("logged_out"));
        let refused = house.sign_in.refresh(&tokens(&gone).refresh_token).await;
        assert!(matches!(refused, Err(RefreshError::InvalidGrant)));
    }
}

#[tokio::test]
async fn the_table_holds_no_token_that_could_be_used() {
    let house = House::new().await;
    house.person("ann").await;
    let token: SecretString = tokens(&house.log_in("ann").await).refresh_token.clone();
    let sql = "select count(*) from saas_rbac.refresh_tokens t
               where t.hash = decode(translate($1, '-_', '+/') || '=', 'base64')";
    let mut conn = house.world.server().connect(house.world.database()).await;
    let query = sqlx::query_scalar(sql).bind(token.expose_secret());
    let found: i64 = query.fetch_one(&mut conn).await.unwrap();
    assert_eq!(found, 0);
}
