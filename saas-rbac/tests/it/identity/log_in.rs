use saas_core::Problem;
use saas_rbac::{
    password::PasswordHash,
    session::Client,
    sign_in::{Credential, LogIn, SignInError, Wanted},
};
use secrecy::ExposeSecret;

use super::{
    house::{House, PASSWORD, client, log_in, secret, tokens},
    second_factor::set_up,
};

const OTHER: &str = "another horse entirely";

#[tokio::test]
async fn a_right_password_gives_tokens_that_name_person_session_and_epoch() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let signed_in = house.log_in("ANN").await;
    let claims = house.claims(&tokens(&signed_in).access_token);
    assert_eq!((claims.sub, claims.sid, claims.ep), (ann.id, signed_in.session.id, 1));
    assert_eq!((claims.tid, claims.act), (None, None));
    assert_eq!(claims.exp - claims.iat, chrono::TimeDelta::minutes(10));
    assert_eq!(signed_in.session.client, client());
}

/// J46.
#[tokio::test]
async fn unknown_wrong_and_disabled_look_the_same_and_cost_one_hash_each() {
    let house = House::new().await;
    house.person("ann").await;
    let bob = house.person("bob").await;
    // A question for his code would tell that his password is right.
    set_up(&house, bob.id).await;
    house.users.disable(bob.id).await.unwrap();
    let long = "x".repeat(10_000);
    let mut bodies = Vec::new();
    for (name, password) in [
        ("nobody", PASSWORD),
        ("ann", OTHER),
        ("bob", PASSWORD),
        ("a b\0c", PASSWORD),
        ("ann", &long),
    ] {
        let before = house.passwords.hashes();
        let error = house.sign_in.log_in(log_in(name, password)).await.unwrap_err();
        assert!(matches!(error, SignInError::InvalidCredentials), "{name}: {error:?}");
        assert_eq!(house.passwords.hashes() - before, 1, "{name}");
        bodies.push(serde_json::to_string(&Problem::from(error)).unwrap());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].contains(r#""status":401,"code":"invalid_credentials""#), "{}", bodies[0]);
}

#[tokio::test]
async fn a_session_of_a_tenant_is_for_its_members_and_names_it() {
    let house = House::new().await;
    let (ann, _bob) = (house.person("ann").await, house.person("bob").await);
    let acme = house.tenant("acme", ann.id).await;
    let signed_in = house.sign_in.log_in(log_in("ann", PASSWORD).in_tenant(acme)).await.unwrap();
    assert_eq!(house.claims(&tokens(&signed_in).access_token).tid, Some(acme));
    let refused = house.sign_in.log_in(log_in("bob", PASSWORD).in_tenant(acme)).await;
    assert!(matches!(refused, Err(SignInError::NotAMember)));
    let wrong = house.sign_in.log_in(log_in("bob", OTHER).in_tenant(acme)).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)), "the password comes first");
    assert_eq!(house.count("select count(*) from saas_rbac.sessions").await, 1);
}

#[tokio::test]
async fn every_authentication_makes_a_new_session_and_ends_the_one_the_device_had() {
    let house = House::new().await;
    house.person("ann").await;
    let cookie = |replaces: Option<&Credential>| {
        let request = log_in("ann", PASSWORD).for_a(Wanted::Cookie);
        match replaces {
            Some(Credential::Cookie(secret)) => request.replacing(secret.clone()),
            _ => request,
        }
    };
    let first = house.sign_in.log_in(cookie(None)).await.unwrap();
    let Credential::Cookie(old) = &first.credential else { panic!("a cookie was wanted") };
    let second = house.sign_in.log_in(cookie(Some(&first.credential))).await.unwrap();
    let Credential::Cookie(new) = &second.credential else { panic!("a cookie was wanted") };
    assert_ne!(first.session.id, second.session.id);
    assert_ne!(old.expose_secret(), new.expose_secret());
    assert_eq!(house.sessions.resume(old).await.unwrap(), None);
    assert_eq!(house.sessions.resume(new).await.unwrap().unwrap().id, second.session.id);

    let third = house
        .sign_in
        .reauthenticate(second.session.id, &secret(PASSWORD), None, &client())
        .await
        .unwrap();
    assert_eq!(house.end_of(second.session.id).await.as_deref(), Some("replaced"));
    assert_ne!(third.session.id, second.session.id);
    let wrong =
        house.sign_in.reauthenticate(third.session.id, &secret(OTHER), None, &client()).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    assert_eq!(house.end_of(third.session.id).await, None);
}

#[tokio::test]
async fn tokens_of_the_device_are_replaced_by_their_refresh_token() {
    let house = House::new().await;
    house.person("ann").await;
    let first = house.log_in("ann").await;
    let held = tokens(&first).refresh_token.clone();
    house.sign_in.log_in(log_in("ann", PASSWORD).replacing(held)).await.unwrap();
    assert_eq!(house.end_of(first.session.id).await.as_deref(), Some("replaced"));
}

#[tokio::test]
async fn a_password_of_outdated_costs_is_hashed_anew_at_the_next_sign_in() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    // The same password under m=8192, t=1.
    let old = old_hash(PASSWORD);
    let sql = format!("update saas_rbac.users set password_hash = '{}'", old.as_str());
    house.world.as_superuser(&sql).await;
    house.log_in("ann").await;
    let sql = "select count(*) from saas_rbac.users
               where password_hash like '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(house.count(sql).await, 1);
    house.log_in("ann").await;
    assert_eq!(house.users.by_id(ann.id).await.unwrap().unwrap().epoch, ann.epoch);
}

#[tokio::test]
async fn a_password_that_is_reset_meanwhile_leaves_nobody_signed_in() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    // The epoch grows between the comparison and the session: held up by a lock on the person.
    let mut tx = house.databases().identity().await.unwrap();
    let sql = "update saas_rbac.users set epoch = epoch + 1 where id = $1";
    sqlx::query(sql).bind(ann.id.as_uuid()).execute(&mut tx).await.unwrap();
    let signing_in = tokio::spawn({
        let sign_in = house.sign_in.clone();
        async move { sign_in.log_in(log_in("ann", PASSWORD)).await }
    });
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    while house.count(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    tx.commit().await.unwrap();
    let late = signing_in.await.unwrap();
    assert!(matches!(late, Err(SignInError::InvalidCredentials)), "{late:?}");
    assert_eq!(house.count("select count(*) from saas_rbac.sessions").await, 0);
}

#[tokio::test]
async fn a_session_for_another_tenant_is_as_fresh_as_the_one_it_comes_from() {
    let house = House::new().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let (acme, globex) = (house.tenant("acme", ann.id).await, house.tenant("globex", bob.id).await);
    let first = house.log_in("ann").await;
    house.advance(3600);
    let second = house.sign_in.switch(first.session.id, acme, &client()).await.unwrap();
    assert_eq!(house.claims(&tokens(&second).access_token).tid, Some(acme));
    assert_eq!(second.session.expires_at, first.session.expires_at);
    assert_eq!(second.session.authenticated_at, first.session.authenticated_at);
    let refused = house.sign_in.switch(first.session.id, globex, &client()).await;
    assert!(matches!(refused, Err(SignInError::NotAMember)));
    house.sign_in.log_out(ann.id, first.session.id).await.unwrap();
    let over = house.sign_in.switch(first.session.id, acme, &client()).await;
    assert!(matches!(over, Err(SignInError::SessionOver)));
}

#[tokio::test]
async fn whoever_acts_for_somebody_does_not_switch_and_is_named_in_the_token() {
    let house = House::new().await;
    let (ann, root) = (house.person("ann").await, house.person("root").await);
    let acme = house.tenant("acme", ann.id).await;
    let session =
        house.sign_in.log_in(log_in("ann", PASSWORD).in_tenant(acme)).await.unwrap().session;
    let sql = format!(
        "update saas_rbac.sessions set impersonator_id = '{}', impersonation_reason = 'support',
             expires_at = created_at + interval '1 hour'",
        root.id,
    );
    house.world.as_superuser(&sql).await;
    let over = house.sign_in.switch(session.id, acme, &client()).await;
    assert!(matches!(over, Err(SignInError::SessionOver)));
    let token = house.sign_in.access_token(session.id).await.unwrap();
    let claims = house.claims(&token.token);
    assert_eq!((claims.sub, claims.act), (ann.id, Some(root.id)));
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions_and_every_token_of_before() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (first, other) = (house.log_in("ann").await, house.log_in("ann").await);
    let current = secret(PASSWORD);
    let short = house
        .sign_in
        .change_password(first.session.id, (&current, None), &secret("short"), &client())
        .await;
    assert!(matches!(short, Err(SignInError::PasswordRefused(_))));
    let wrong = house
        .sign_in
        .change_password(first.session.id, (&secret(OTHER), None), &secret(OTHER), &client())
        .await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));

    let changed = house
        .sign_in
        .change_password(first.session.id, (&current, None), &secret(OTHER), &client())
        .await
        .unwrap();
    assert_eq!(house.end_of(other.session.id).await.as_deref(), Some("password_changed"));
    assert_eq!(house.claims(&tokens(&changed).access_token).ep, ann.epoch + 1);
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_err());
    assert!(house.sign_in.log_in(log_in("ann", OTHER)).await.is_ok());
}

#[tokio::test]
async fn without_a_database_nobody_is_signed_in_and_nobody_is_refused() {
    let house = House::new().await;
    house.person("ann").await;
    house.shut().await;
    let error = house.sign_in.log_in(log_in("ann", PASSWORD)).await.unwrap_err();
    let problem = Problem::from(error);
    assert_eq!((problem.status().as_u16(), problem.code()), (503, "unavailable"));
    house.open().await;
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_ok());
}

#[tokio::test]
async fn nothing_of_a_credential_is_printed() {
    let house = House::new().await;
    house.person("ann").await;
    let request = LogIn::new("ann@acme.test", secret(PASSWORD), Client::unknown());
    let printed = format!("{request:?} {:?}", house.sign_in);
    let signed_in = house.sign_in.log_in(request).await.unwrap();
    let printed = format!("{printed} {signed_in:?}");
    let pair = tokens(&signed_in);
    for hidden in [PASSWORD, pair.access_token.expose_secret(), pair.refresh_token.expose_secret()]
    {
        assert!(!printed.contains(hidden), "{printed}");
    }
}

fn old_hash(password: &str) -> PasswordHash {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version, password_hash::phc};
    let params = Params::new(8192, 1, 1, None).unwrap();
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: phc::PasswordHash =
        argon.hash_password_with_salt(password.as_bytes(), b"sixteen bytes ok").unwrap();
    PasswordHash::from_stored(hash.to_string())
}
