//! A thousand rounds each of what goes wrong when two do it at once.

use std::collections::HashSet;

use saas_core::{SessionId, UserId};
use saas_rbac::{
    mail::Locale,
    second_factor::{Proof, SecondFactorError},
    sign_in::{RecoverError, RefreshError, SignIn},
};
use saas_tenancy::db::TenantDatabases;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::{
    house::{House, client, client_at, email, tokens},
    second_factor::set_up,
};

const ROUNDS: usize = 1000;

/// How many rounds are under way at once.
const AT_ONCE: usize = 8;

/// Runs so many rounds, a few at a time, and gives back what came of them.
async fn rounds<T, F>(count: usize, round: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (mut running, mut done) = (JoinSet::new(), Vec::new());
    for n in 0..count {
        if running.len() == AT_ONCE {
            done.push(running.join_next().await.expect("some are running").unwrap());
        }
        running.spawn(round(n));
    }
    done.extend(running.join_all().await);
    done
}

/// So many sessions of one person, each with its refresh token.
async fn devices(house: &House, count: usize) -> Vec<(SessionId, SecretString)> {
    let ann = house.person("ann").await;
    let tenant = house.tenant("acme", ann.id).await;
    let first = house.log_in("ann").await.session.id;
    let open = |_| {
        let sign_in = house.sign_in.clone();
        async move {
            let made = sign_in.switch(first, tenant, &client()).await.unwrap();
            (made.session.id, tokens(&made).refresh_token.clone())
        }
    };
    rounds(count, open).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_refresh_at_once_get_one_pair_and_a_later_one_ends_the_session() {
    let house = House::new().await;
    let devices = devices(&house, ROUNDS).await;
    let twice = |n: usize| {
        let (sign_in, token) = (house.sign_in.clone(), devices[n].1.clone());
        async move {
            let (one, other) = tokio::join!(both(&sign_in, &token), both(&sign_in, &token));
            (one == other, one.1)
        }
    };
    let pairs = rounds(ROUNDS, twice).await;
    assert_eq!(pairs.iter().filter(|(is_same, _)| !is_same).count(), 0);
    let successors: HashSet<_> = pairs.into_iter().map(|(_, token)| token).collect();
    assert_eq!(successors.len(), ROUNDS);
    let sql = "select count(*) from saas_rbac.refresh_tokens where used_at is null";
    let unused = house.count(sql).await;
    assert_eq!(unused, i64::try_from(ROUNDS).unwrap() + 1, "one successor each");

    house.advance(11);
    let replay = |n: usize| {
        let (sign_in, (id, token)) = (house.sign_in.clone(), devices[n].clone());
        async move {
            let (one, other) = tokio::join!(sign_in.refresh(&token), sign_in.refresh(&token));
            let told = [one, other].into_iter().filter(|answer| match answer {
                Err(RefreshError::Reused { session, .. }) => *session == id,
                Err(RefreshError::InvalidGrant) => false,
                _ => panic!("{answer:?}"),
            });
            told.count()
        }
    };
    let told = rounds(ROUNDS, replay).await;
    assert!(told.iter().all(|told| *told == 1), "each theft is told once");
    let sql = "select count(*) from saas_rbac.sessions where revoked_because = 'refresh_reuse'";
    assert_eq!(house.count(sql).await, i64::try_from(ROUNDS).unwrap());
}

async fn both(sign_in: &SignIn, token: &SecretString) -> (String, String) {
    let pair = sign_in.refresh(token).await.unwrap().tokens;
    (pair.access_token.expose_secret().to_owned(), pair.refresh_token.expose_secret().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_use_a_link_at_once_exactly_one_wins() {
    let house = House::new().await;
    let links = links(&house).await;
    let twice = |n: usize| {
        let (sign_in, token) = (house.sign_in.clone(), links[n].clone());
        async move {
            let (one, other) =
                tokio::join!(sign_in.verify_email(&token), sign_in.verify_email(&token));
            let won = [one, other].into_iter().filter(|answer| match answer {
                Ok(_) => true,
                Err(RecoverError::Refused(saas_rbac::one_time::TokenRefused::Used)) => false,
                Err(error) => panic!("{error:?}"),
            });
            won.count()
        }
    };
    let won = rounds(ROUNDS, twice).await;
    assert!(won.iter().all(|won| *won == 1), "{won:?}");
}

/// The harness of the test above finds the fault in code that has it: the same links, taken by a
/// statement that looks and another one that writes.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_rounds_find_the_fault_in_looking_first_and_writing_then() {
    let house = House::new().await;
    let links = links(&house).await;
    let twice = |n: usize| {
        let (databases, token) = (house.databases(), links[n].clone());
        async move {
            let take = || look_then_write(databases.clone(), token.clone());
            let (one, other) = tokio::join!(tokio::spawn(take()), tokio::spawn(take()));
            usize::from(one.unwrap()) + usize::from(other.unwrap())
        }
    };
    let won = rounds(ROUNDS, twice).await;
    let violations = won.iter().filter(|won| **won > 1).count();
    assert!(violations > 0, "two never won at once in {ROUNDS} rounds");
}

async fn look_then_write(databases: TenantDatabases, token: SecretString) -> bool {
    let mut tx = databases.identity().await.unwrap();
    let hash = "sha256(decode(translate($1, '-_', '+/') || '=', 'base64'))";
    let look = format!(
        "select count(*) from saas_rbac.one_time_tokens where hash = {hash} and used_at is null"
    );
    let unused: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(look))
        .bind(token.expose_secret())
        .fetch_one(&mut tx)
        .await
        .unwrap();
    if unused == 0 {
        return false;
    }
    let write = format!("update saas_rbac.one_time_tokens set used_at = now() where hash = {hash}");
    let query = sqlx::query(sqlx::AssertSqlSafe(write)).bind(token.expose_secret());
    query.execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    true
}

/// A link for each of so many people.
async fn links(house: &House) -> Vec<SecretString> {
    house
        .world
        .as_superuser(
            "insert into saas_rbac.users (id, email, name, created_at)
             select gen_random_uuid(), 'user' || n || '@acme.test', 'user', now()
             from generate_series(0, 999) n",
        )
        .await;
    let mut links = Vec::new();
    for n in 0..ROUNDS {
        let at = client_at(&format!("10.0.{}.{}", n / 250, n % 250));
        let email = email(&format!("user{n}"));
        house.sign_in.ask_verification(&email, &at, Locale::En).await.unwrap();
        links.push(house.mailed_token().await);
    }
    links
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_show_a_code_at_once_one_is_let_in() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (app, _) = set_up(&house, ann.id).await;
    for round in 0..ROUNDS {
        house.advance(30);
        let proof = Proof::Code(app.code(&house));
        let (one, other) =
            tokio::join!(renew(&house, ann.id, &proof), renew(&house, ann.id, &proof));
        assert_eq!(usize::from(one) + usize::from(other), 1, "round {round}");
        // Wrong ones pile up otherwise: each round has one.
        house.advance(86_400);
    }
}

async fn renew(house: &House, user: UserId, proof: &Proof) -> bool {
    match house.factors.renew_recovery_codes(user, proof).await {
        Ok(_) => true,
        Err(SecondFactorError::WrongCode) => false,
        Err(error) => panic!("{error:?}"),
    }
}
