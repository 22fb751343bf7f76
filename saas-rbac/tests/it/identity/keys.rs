use std::time::Duration;

use saas_core::{Clock, auth::Reject};
use saas_rbac::token::{SigningKeys, Standing, TokenError};
use saas_tenancy::store::{ChangeListener, ChangeSink};
use secrecy::ExposeSecret;
use sqlx::ConnectOptions;

use super::house::{House, seal, tokens};

/// Another process of the same application, which is told of changes.
async fn another(house: &House) -> (SigningKeys, ChangeListener) {
    let start = SigningKeys::start(house.databases(), seal(), house.clock.clone(), &house.issuer);
    let (keys, changes) = start.await.unwrap();
    let url = house.world.app_options().to_url_lossy().to_string();
    (keys, ChangeListener::spawn(url.into(), changes))
}

/// Waits, for at most a second, until `is_done`.
async fn within_a_second(is_done: impl Fn() -> bool) {
    let clock = Clock::system();
    let begun = clock.monotonic();
    while !is_done() {
        assert!(clock.monotonic() - begun < Duration::from_secs(1), "not within a second");
        tokio::task::yield_now().await;
    }
}

fn published(keys: &SigningKeys) -> Vec<String> {
    let document = serde_json::to_value(keys.jwks()).unwrap();
    let keys = document["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn processes_that_start_at_once_agree_on_the_first_keys() {
    let house = House::new().await;
    house.world.as_superuser("delete from saas_rbac.signing_keys").await;
    let starts = (0..8).map(|_| {
        let (databases, clock, issuer) =
            (house.databases(), house.clock.clone(), house.issuer.clone());
        tokio::spawn(async move { SigningKeys::start(databases, seal(), clock, &issuer).await })
    });
    let mut kids = Vec::new();
    for one in starts.collect::<Vec<_>>() {
        kids.push(one.await.unwrap().unwrap().0.signer().kid());
    }
    kids.dedup();
    assert_eq!(kids.len(), 1, "{kids:?}");
    assert_eq!(house.count("select count(*) from saas_rbac.signing_keys").await, 2);
}

#[tokio::test]
async fn the_document_shows_public_parts_only_and_the_table_none_that_is_private() {
    let house = House::new().await;
    let text = serde_json::to_string(&house.keys.jwks()).unwrap();
    assert_eq!(published(&house.keys).len(), 2, "the active one and the next");
    assert!(text.contains(r#""kty":"OKP""#) && !text.contains(r#""d":"#), "{text}");
    // A PKCS #8 document begins with these bytes; a sealed one does not.
    let sql = "select count(*) from saas_rbac.signing_keys
               where position('\\x302e020100'::bytea in sealed_private_key) > 0
                  or position('\\x3051020101'::bytea in sealed_private_key) > 0";
    assert_eq!(house.count(sql).await, 0);
}

/// J39.
#[tokio::test]
async fn after_a_rotation_old_tokens_are_good_until_the_last_of_them_is_over() {
    let house = House::new().await;
    house.person("ann").await;
    let old = tokens(&house.log_in("ann").await).access_token.clone();
    let before = published(&house.keys);
    house.keys.rotate().await.unwrap();
    assert_eq!(published(&house.keys).len(), 3);
    assert!(before.contains(&house.keys.signer().kid()), "it was published before it signs");
    let new = tokens(&house.log_in("ann").await).access_token.clone();
    let verifier = house.verifier();
    assert!(verifier.verify(old.expose_secret()).is_ok());
    assert!(verifier.verify(new.expose_secret()).is_ok());
    house.advance(689);
    assert!(
        matches!(verifier.verify(old.expose_secret()), Err(Reject::Expired)),
        "the key still counts"
    );
    house.advance(1);
    assert!(matches!(verifier.verify(old.expose_secret()), Err(Reject::RetiredKey)));
    house.keys.rotate().await.unwrap();
    let sql = "select count(*) from saas_rbac.signing_keys
               where state in ('retiring', 'revoked') and sealed_private_key is null";
    assert_eq!(house.count(sql).await, 2);
}

#[tokio::test]
async fn a_rotation_that_is_due_happens_once() {
    let house = House::new().await;
    let month = Duration::from_secs(30 * 86_400);
    assert!(!house.keys.rotate_if_due(month).await.unwrap());
    house.hand.advance(month);
    assert!(house.keys.rotate_if_due(month).await.unwrap());
    assert!(!house.keys.rotate_if_due(month).await.unwrap());
}

#[tokio::test]
async fn every_process_follows_a_rotation_and_a_revocation_within_a_second() {
    let house = House::new().await;
    house.person("ann").await;
    let (other, _listener) = another(&house).await;
    house.keys.rotate().await.unwrap();
    within_a_second(|| other.signer().kid() == house.keys.signer().kid()).await;

    let token = tokens(&house.log_in("ann").await).access_token.clone();
    let verifier = saas_core::auth::StrictVerifier::new(
        other.key_set(),
        house.issuer.name(),
        house.issuer.audience(),
        house.clock.clone(),
    );
    assert!(verifier.verify(token.expose_secret()).is_ok());
    let revoked = house.keys.signer().kid();
    house.keys.revoke(&revoked).await.unwrap();
    within_a_second(|| verifier.verify(token.expose_secret()).is_err()).await;
    within_a_second(|| other.signer().kid() != revoked).await;
    assert!(!published(&house.keys).contains(&revoked));
    let again = house.keys.revoke(&revoked).await;
    assert!(matches!(again, Err(TokenError::NoSuchKey)));
    let next = tokens(&house.log_in("ann").await).access_token.clone();
    assert!(house.verifier().verify(next.expose_secret()).is_ok(), "the next one signs");
}

#[tokio::test]
async fn a_process_that_cannot_know_its_keys_says_so() {
    let house = House::new().await;
    house.changes.connected();
    house.keys.reload().await.unwrap();
    house.advance(3600);
    assert_eq!(house.keys.standing(), Standing::Current, "every change is told");
    house.changes.disconnected();
    assert_eq!(house.keys.standing(), Standing::Current, "for a second");
    house.shut().await;
    house.advance(2);
    assert!(house.keys.reload().await.is_err());
    assert_eq!(house.keys.standing(), Standing::Stale);
    house.open().await;
    house.keys.reload().await.unwrap();
    assert_eq!(house.keys.standing(), Standing::Current, "it was just read");
    house.changes.connected();
    house.keys.reload().await.unwrap();
    house.advance(3600);
    assert_eq!(house.keys.standing(), Standing::Current);
}

#[tokio::test]
async fn another_seal_does_not_open_the_keys() {
    let house = House::new().await;
    let seal = saas_rbac::seal::StaticSeal::new(&super::house::key(9));
    let start = SigningKeys::start(
        house.databases(),
        std::sync::Arc::new(seal),
        house.clock.clone(),
        &house.issuer,
    );
    assert!(matches!(start.await, Err(TokenError::Sealed(_))));
}
