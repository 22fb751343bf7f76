use saas_core::Problem;
use saas_rbac::{
    mail::{Locale, MailKind},
    one_time::TokenRefused,
    password::PasswordRefused,
    sign_in::RecoverError,
};

use super::house::{House, PASSWORD, client, client_at, email, log_in, secret, tokens};

const OTHER: &str = "another horse entirely";

#[tokio::test]
async fn a_link_by_mail_gives_another_password_once_and_ends_all_sessions() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let before = house.log_in("ann").await;
    house.sign_in.ask_reset(&email("ANN"), &client(), Locale::De).await.unwrap();
    let token = house.mailed_token().await;
    let mail = &house.mails().await[0];
    assert_eq!((mail.to.as_str(), mail.kind), ("ann@acme.test", MailKind::ResetPassword));
    assert!(mail.subject.contains("Passwort"), "{}", mail.subject);

    let done = house.sign_in.reset_password(&token, &secret(OTHER), &client()).await.unwrap();
    assert_eq!(done, ann.id);
    assert_eq!(house.end_of(before.session.id).await.as_deref(), Some("password_changed"));
    assert!(house.sign_in.refresh(&tokens(&before).refresh_token).await.is_err());
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_err());
    assert!(house.sign_in.log_in(log_in("ann", OTHER)).await.is_ok());
    let after = house.users.by_id(ann.id).await.unwrap().unwrap();
    assert_eq!((after.epoch, after.email_verified_at.is_some()), (ann.epoch + 1, true));

    let again = house.sign_in.reset_password(&token, &secret(OTHER), &client()).await.unwrap_err();
    assert!(matches!(again, RecoverError::Refused(TokenRefused::Used)));
    let problem = Problem::from(again);
    assert_eq!((problem.status().as_u16(), problem.code()), (410, "token_used"));
}

#[tokio::test]
async fn whoever_asks_for_nobody_gets_the_same_answer_and_no_mail() {
    let house = House::new().await;
    let bob = house.person("bob").await;
    house.users.disable(bob.id).await.unwrap();
    for name in ["nobody", "bob"] {
        house.sign_in.ask_reset(&email(name), &client(), Locale::En).await.unwrap();
        house.sign_in.ask_verification(&email(name), &client(), Locale::En).await.unwrap();
    }
    assert_eq!(house.mails().await.len(), 0);
    assert_eq!(house.passwords.hashes(), 1, "one person was made, and nothing else hashed");
}

#[tokio::test]
async fn asking_again_and_again_is_slowed_for_nobody_as_for_somebody() {
    let house = House::new().await;
    house.person("ann").await;
    for name in ["ann", "nobody"] {
        let ask = async || house.sign_in.ask_reset(&email(name), &client(), Locale::En).await;
        for _ in 0..4 {
            ask().await.unwrap();
        }
        let slowed = ask().await.unwrap_err();
        assert!(matches!(slowed, RecoverError::Throttled { .. }), "{name}: {slowed:?}");
        assert_eq!(Problem::from(slowed).status().as_u16(), 429);
    }
    assert_eq!(house.mails().await.len(), 4);
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour_and_the_newest_counts() {
    let house = House::new().await;
    house.person("ann").await;
    house.sign_in.ask_reset(&email("ann"), &client(), Locale::En).await.unwrap();
    let first = house.mailed_token().await;
    house.sign_in.ask_reset(&email("ann"), &client(), Locale::En).await.unwrap();
    let second = house.mailed_token().await;
    let refused = house.sign_in.reset_password(&first, &secret(OTHER), &client()).await;
    assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Used))));
    house.advance(30 * 60);
    let refused = house.sign_in.reset_password(&second, &secret(OTHER), &client()).await;
    assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Expired))));
}

#[tokio::test]
async fn a_link_that_is_none_costs_no_hash() {
    let house = House::new().await;
    house.person("ann").await;
    house.sign_in.ask_verification(&email("ann"), &client(), Locale::En).await.unwrap();
    let of_another_purpose = house.mailed_token().await;
    let before = house.passwords.hashes();
    for token in [of_another_purpose, secret(""), secret(&"A".repeat(43)), secret("💥")] {
        let refused = house.sign_in.reset_password(&token, &secret(OTHER), &client()).await;
        assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Unknown))));
    }
    assert_eq!(house.passwords.hashes(), before);
}

#[tokio::test]
async fn a_password_that_is_not_taken_leaves_the_link_good() {
    let house = House::new().await;
    house.person("ann").await;
    house.sign_in.ask_reset(&email("ann"), &client(), Locale::En).await.unwrap();
    let token = house.mailed_token().await;
    for (password, why) in [
        ("short", PasswordRefused::TooShort),
        ("ann@acme.test", PasswordRefused::IsAddress),
        ("password1234", PasswordRefused::TooCommon),
    ] {
        let refused = house.sign_in.reset_password(&token, &secret(password), &client()).await;
        let Err(RecoverError::PasswordRefused(found)) = refused else { panic!("{refused:?}") };
        assert_eq!(found, why);
    }
    assert!(house.sign_in.reset_password(&token, &secret(OTHER), &client()).await.is_ok());
}

#[tokio::test]
async fn a_link_is_bound_to_the_address_it_was_sent_to() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    house.sign_in.ask_reset(&email("ann"), &client(), Locale::En).await.unwrap();
    let reset = house.mailed_token().await;
    house.sign_in.ask_verification(&email("ann"), &client(), Locale::En).await.unwrap();
    let verify = house.mailed_token().await;
    house.world.as_superuser("update saas_rbac.users set email = 'new@acme.test'").await;
    let refused = house.sign_in.reset_password(&reset, &secret(OTHER), &client()).await;
    assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Unknown))));
    let refused = house.sign_in.verify_email(&verify).await;
    assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Unknown))));
    assert_eq!(house.users.by_id(ann.id).await.unwrap().unwrap().email_verified_at, None);
}

#[tokio::test]
async fn an_address_is_proven_by_its_link_within_a_day() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    house.sign_in.ask_verification(&email("ann"), &client(), Locale::En).await.unwrap();
    let late = house.mailed_token().await;
    house.advance(86_400);
    let refused = house.sign_in.verify_email(&late).await;
    assert!(matches!(refused, Err(RecoverError::Refused(TokenRefused::Expired))));
    house.sign_in.ask_verification(&email("ann"), &client(), Locale::En).await.unwrap();
    let token = house.mailed_token().await;
    assert_eq!(house.sign_in.verify_email(&token).await.unwrap(), ann.id);
    let proven = house.users.by_id(ann.id).await.unwrap().unwrap();
    assert_eq!(proven.email_verified_at, Some(house.clock.now()));
    let again = house.sign_in.verify_email(&token).await;
    assert!(matches!(again, Err(RecoverError::Refused(TokenRefused::Used))));
}

#[tokio::test]
async fn a_reset_clears_what_others_have_piled_up_against_the_account() {
    let house = House::new().await;
    house.person("ann").await;
    // From many addresses, until the account waits.
    for n in 0..40 {
        let attacker = client_at(&format!("198.51.100.{n}"));
        let guess =
            saas_rbac::sign_in::LogIn::new("ann@acme.test", secret("wrong guess 123"), attacker);
        drop(house.sign_in.log_in(guess).await);
    }
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_err(), "from a new address");
    house.sign_in.ask_reset(&email("ann"), &client(), Locale::En).await.unwrap();
    let token = house.mailed_token().await;
    house.sign_in.reset_password(&token, &secret(OTHER), &client()).await.unwrap();
    assert!(house.sign_in.log_in(log_in("ann", OTHER)).await.is_ok());
}
