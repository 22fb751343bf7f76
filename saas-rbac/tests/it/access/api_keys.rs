use chrono::TimeDelta;
use saas_core::{Actor, ApiKeyId, permission::PermissionSet};
use saas_rbac::{
    AccessError, Acting,
    api_key::{ApiKeyError, ApiKeys, KeyFormat, MadeApiKey, NewApiKey},
    team::Team,
};
use saas_tenancy::store::ChangeListener;
use secrecy::{ExposeSecret, SecretBox};
use sqlx::ConnectOptions;

use super::club::{ADMIN, Club, MEMBER, MODEL, VIEWER, eventually, set};

fn keys(club: &Club) -> ApiKeys {
    let format = KeyFormat::new("sk_test", &SecretBox::new(Box::new([9; 32]))).unwrap();
    let (databases, clock) = (club.databases().clone(), club.clock.clone());
    ApiKeys::new(databases, MODEL, clock, format, club.authorizer())
}

async fn make(club: &Club, acting: &Acting, scopes: &[&str]) -> MadeApiKey {
    let new = NewApiKey::new("import", scopes.iter().copied());
    keys(club).create(acting, new).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_scopes_name_and_its_owner_may_do_now() {
    let club = Club::new().await;
    let keys = keys(&club);
    let user = club.member("user", ADMIN).await;
    let made = make(&club, &club.acting(user).await, &["members:*", "access:keys"]).await;
    let text = made.secret.expose_secret();
    let identity = keys.authenticate(text).await.unwrap();
    assert_eq!((identity.tenant(), identity.owner()), (club.tenant, user));
    let all = identity.grants(PermissionSet::ALL).effective();
    assert_eq!(all, set(&["members:*", "access:keys"]));
    let by_plan = identity.grants(set(&["members:read"])).effective();
    assert_eq!(by_plan, set(&["members:read"]));
    let actor = identity.principal(PermissionSet::ALL).actor();
    assert_eq!(actor, Actor::ApiKey { id: made.key.id, owner: user });

    let team = Team::new(club.databases().clone(), MODEL, club.clock.clone());
    let owner = club.acting(club.owner).await;
    team.change_role(&owner, user, "viewer").await.unwrap();
    let less = keys.authenticate(text).await.unwrap().grants(PermissionSet::ALL).effective();
    assert_eq!(less, set(&["members:read"]), "a downgrade of the owner is one of the key");
    team.remove(&owner, user).await.unwrap();
    let gone = keys.authenticate(text).await;
    assert!(matches!(gone, Err(ApiKeyError::Revoked)), "{gone:?}");
    club.join(user, MEMBER).await;
    assert!(keys.authenticate(text).await.is_err(), "who comes back makes new keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_good_are_refused() {
    let club = Club::new().await;
    let keys = keys(&club);
    let owner = club.acting(club.owner).await;
    let made = make(&club, &owner, &["members:read"]).await;
    let other = make(&club, &owner, &["members:read"]).await;
    let text = made.secret.expose_secret();
    let mistyped = format!("{}x", &text[..text.len() - 1]);
    assert!(matches!(keys.authenticate(&mistyped).await, Err(ApiKeyError::Malformed)));
    // Both were made with the right check digits, but the secret is that of another key.
    let swap = format!(
        "update saas_rbac.api_keys a set secret_hash = b.secret_hash
         from saas_rbac.api_keys b where a.id = '{}' and b.id = '{}'",
        made.key.id, other.key.id
    );
    club.as_system(&swap).await;
    assert!(matches!(keys.authenticate(text).await, Err(ApiKeyError::Unknown)));
    let text = other.secret.expose_secret();
    keys.authenticate(text).await.unwrap();
    club.hand.advance(TimeDelta::days(90).to_std().unwrap());
    assert!(matches!(keys.authenticate(text).await, Err(ApiKeyError::Expired)));
    club.as_system("delete from saas_rbac.api_keys").await;
    assert!(matches!(keys.authenticate(text).await, Err(ApiKeyError::Unknown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_secrets_are_good_for_a_day() {
    let club = Club::new().await;
    let keys = keys(&club);
    let owner = club.acting(club.owner).await;
    let made = make(&club, &owner, &["members:read"]).await;
    let rotated = keys.rotate(&owner, made.key.id).await.unwrap();
    assert_eq!(rotated.key.id, made.key.id);
    for secret in [&made.secret, &rotated.secret] {
        keys.authenticate(secret.expose_secret()).await.unwrap();
    }
    club.hand.advance(TimeDelta::days(1).to_std().unwrap());
    let old = keys.authenticate(made.secret.expose_secret()).await;
    assert!(matches!(old, Err(ApiKeyError::Unknown)));
    keys.authenticate(rotated.secret.expose_secret()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_for_oneself_and_no_wider_than_oneself() {
    let club = Club::new().await;
    let keys = keys(&club);
    let admin = club.member("admin", ADMIN).await;
    let viewer = club.member("viewer", VIEWER).await;
    let wide = NewApiKey::new("x", ["members:*"]);
    let refused = keys.create(&club.acting(viewer).await, wide).await;
    assert!(matches!(refused, Err(AccessError::NotGrantable { .. })));
    let made = make(&club, &club.acting(club.owner).await, &["members:read"]).await;
    for acting in [club.acting(admin).await, club.overrated(admin)] {
        let refused = keys.rotate(&acting, made.key.id).await;
        assert!(matches!(refused, Err(AccessError::NotTheOwner)));
    }
    // A key with few scopes cannot make one with more, whatever its owner may do.
    let by_key = club.scope(admin).acting_as(Actor::ApiKey { id: made.key.id, owner: admin });
    let acting = Acting::new(by_key, set(&["access:keys"]));
    let refused = keys.create(&acting, NewApiKey::new("x", ["members:read"])).await;
    assert!(matches!(refused, Err(AccessError::NotGrantable { .. })));
    let own = make(&club, &club.acting(admin).await, &["members:read"]).await;
    let refused = keys.rotate(&acting, own.key.id).await;
    assert!(matches!(refused, Err(AccessError::NotGrantable { .. })));

    keys.revoke(&club.acting(admin).await, made.key.id).await.unwrap();
    let over = keys.authenticate(made.secret.expose_secret()).await;
    assert!(matches!(over, Err(ApiKeyError::Revoked)), "others may end a key");
    let unknown = keys.revoke(&acting, ApiKeyId::generate(&club.clock)).await;
    assert!(matches!(unknown, Err(AccessError::NotFound("api key"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lasts_a_year_at_most() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    for days in [-1, 0, 367] {
        let new = NewApiKey::new("x", ["members:read"]);
        let new = new.with_expiry(club.now() + TimeDelta::days(days));
        let refused = keys(&club).create(&owner, new).await;
        assert!(matches!(refused, Err(AccessError::Invalid { field: "expires_at", .. })), "{days}");
    }
    let made = make(&club, &owner, &["members:read"]).await;
    assert_eq!(made.key.expires_at, club.now() + TimeDelta::days(90));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_written_once_a_minute() {
    let club = Club::new().await;
    let keys = keys(&club);
    let made = make(&club, &club.acting(club.owner).await, &["members:read"]).await;
    let uses = async || {
        keys.authenticate(made.secret.expose_secret()).await.unwrap();
        keys.list(&club.scope(club.owner)).await.unwrap()[0].last_used_at.unwrap()
    };
    let first = uses().await;
    club.hand.advance(TimeDelta::seconds(59).to_std().unwrap());
    assert_eq!(uses().await, first);
    club.hand.advance(TimeDelta::seconds(1).to_std().unwrap());
    assert_eq!(uses().await - first, TimeDelta::minutes(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_a_process_that_remembers_the_key() {
    let club = Club::new().await;
    let keys_here = keys(&club);
    let url = club.world.app_options().to_url_lossy().to_string();
    let _listener = ChangeListener::spawn(url.into(), keys_here.changes());
    let owner = club.acting(club.owner).await;
    let made = make(&club, &owner, &["members:read"]).await;
    let text = made.secret.expose_secret();
    keys_here.authenticate(text).await.unwrap();
    keys(&club).revoke(&owner, made.key.id).await.unwrap();
    eventually(async || matches!(keys_here.authenticate(text).await, Err(ApiKeyError::Revoked)))
        .await;
}
