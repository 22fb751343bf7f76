use std::time::Duration;

use saas_core::Problem;
use saas_rbac::{
    mail::Locale,
    session::Client,
    sign_in::{LogIn, SignInError},
};

use super::house::{House, PASSWORD, client_at, email, secret};

const WRONG: &str = "wrong guess 123";

fn attempt(name: &str, password: &str, client: Client) -> LogIn {
    LogIn::new(&format!("{name}@acme.test"), secret(password), client)
}

/// How long somebody has to wait; `None` when the attempt was looked at.
async fn wait(house: &House, name: &str, password: &str, at: &str) -> Option<Duration> {
    match house.sign_in.log_in(attempt(name, password, client_at(at))).await {
        Ok(_) | Err(SignInError::InvalidCredentials) => None,
        Err(SignInError::Throttled { retry_after }) => Some(retry_after),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn after_a_few_failures_the_wait_doubles_up_to_five_minutes() {
    let house = House::new().await;
    let mut waits = Vec::new();
    for _ in 0..14 {
        let mut waited = 0;
        while let Some(more) = wait(&house, "nobody", WRONG, "192.0.2.1").await {
            waited += more.as_secs();
            house.hand.advance(more);
        }
        waits.push(waited);
    }
    // The account alone waits up to 30 seconds, the account and the address up to 300.
    assert_eq!(waits, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128]);
    for _ in 0..3 {
        while let Some(more) = wait(&house, "nobody", WRONG, "192.0.2.1").await {
            assert!(more.as_secs() <= 300, "{more:?}");
            house.hand.advance(more);
        }
    }
    house.advance(3601);
    for _ in 0..6 {
        assert_eq!(wait(&house, "nobody", WRONG, "192.0.2.1").await, None, "all is forgotten");
    }
}

#[tokio::test]
async fn whoever_is_too_fast_is_told_when_to_come_back_and_costs_no_hash() {
    let house = House::new().await;
    house.person("ann").await;
    for _ in 0..6 {
        assert_eq!(wait(&house, "ann", WRONG, "192.0.2.1").await, None);
    }
    let before = house.passwords.hashes();
    let error = house.sign_in.log_in(attempt("ann", PASSWORD, client_at("192.0.2.1"))).await;
    let error = error.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    let problem = Problem::from(error);
    assert_eq!((problem.status().as_u16(), problem.code()), (429, "too_many_attempts"));
    assert_eq!(house.passwords.hashes(), before);
    house.advance(1);
    assert!(house.sign_in.log_in(attempt("ann", PASSWORD, client_at("192.0.2.1"))).await.is_ok());
    for _ in 0..6 {
        assert_eq!(wait(&house, "ann", WRONG, "192.0.2.1").await, None, "a success starts anew");
    }
}

#[tokio::test]
async fn an_address_that_signed_in_before_is_not_slowed_by_what_others_do() {
    let house = House::new().await;
    house.person("ann").await;
    assert_eq!(wait(&house, "ann", PASSWORD, "192.0.2.1").await, None);
    for n in 0..60 {
        wait(&house, "ann", WRONG, &format!("198.51.100.{n}")).await;
    }
    assert!(wait(&house, "ann", PASSWORD, "203.0.113.9").await.is_some(), "a new address waits");
    let request = attempt("ann", PASSWORD, client_at("192.0.2.1"));
    assert!(house.sign_in.log_in(request).await.is_ok(), "the victim is in");
}

#[tokio::test]
async fn one_address_that_tries_many_accounts_is_slowed() {
    let house = House::new().await;
    for n in 0..31 {
        assert_eq!(wait(&house, &format!("user{n}"), WRONG, "192.0.2.1").await, None, "{n}");
    }
    assert!(wait(&house, "another", WRONG, "192.0.2.1").await.is_some());
    assert_eq!(wait(&house, "another", WRONG, "192.0.2.2").await, None);

    for n in 0..31 {
        wait(&house, &format!("six{n}"), WRONG, &format!("2001:db8::{n:x}")).await;
    }
    assert!(wait(&house, "another", WRONG, "2001:db8::ffff").await.is_some(), "one network");
}

#[tokio::test]
async fn a_hundred_attempts_at_once_are_a_hundred() {
    let house = House::new().await;
    house.person("ann").await;
    let before = house.passwords.hashes();
    let tries = (0..100).map(|_| {
        let sign_in = house.sign_in.clone();
        let request = attempt("ann", WRONG, client_at("192.0.2.1"));
        tokio::spawn(async move { sign_in.log_in(request).await.map(drop) })
    });
    for one in tries.collect::<Vec<_>>() {
        assert!(one.await.unwrap().is_err());
    }
    // Five are free, and the sixth begins the wait.
    assert_eq!(house.passwords.hashes() - before, 6);
}

#[tokio::test]
async fn the_table_names_nobody_and_does_not_grow_for_ever() {
    let house = House::new().await;
    for n in 0..50 {
        wait(&house, &format!("user{n}"), WRONG, &format!("198.51.100.{n}")).await;
    }
    let sql = "select count(*) from saas_rbac.throttles where octet_length(key) <> 32";
    assert_eq!(house.count(sql).await, 0);
    assert_eq!(house.throttle.sweep(1000).await.unwrap(), 0);
    house.advance(4000);
    assert_eq!(house.throttle.sweep(100).await.unwrap(), 100);
    assert_eq!(house.throttle.sweep(1000).await.unwrap(), 50);
    for n in 0..200 {
        house.sign_in.ask_reset(&email(&format!("user{n}")), &at(n), Locale::En).await.unwrap();
    }
    house.advance(4000);
    // By itself, too, once in about sixty attempts.
    for n in 0..2000 {
        house.sign_in.ask_reset(&email(&format!("later{n}")), &at(n), Locale::En).await.unwrap();
        house.advance(100);
        if house.count("select count(*) from saas_rbac.throttles").await < 300 {
            return;
        }
    }
    panic!("rows that are over stay");
}

fn at(n: usize) -> Client {
    client_at(&format!("10.0.{}.{}", n / 250, n % 250))
}
