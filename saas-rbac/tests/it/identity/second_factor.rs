use saas_core::{Problem, UserId};
use saas_rbac::{
    second_factor::{Proof, SecondFactorError},
    sign_in::{LogIn, SignInError},
};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};

use super::house::{House, PASSWORD, client, log_in, secret};

/// Somebody's phone.
pub(super) struct App(Totp);

impl App {
    pub(super) fn code(&self, house: &House) -> SecretString {
        let now = u64::try_from(house.clock.now().timestamp()).unwrap();
        self.0.generate(now).to_string().into()
    }
}

/// Sets a second factor up, and gives back the app and the recovery codes.
pub(super) async fn set_up(house: &House, user: UserId) -> (App, Vec<SecretString>) {
    let user = house.users.by_id(user).await.unwrap().unwrap();
    let enrolment = house.factors.enrol(&user).await.unwrap();
    let secret = Secret::try_from_base32(enrolment.secret.expose_secret()).unwrap();
    let app = App(Builder::new().with_secret(secret).build().unwrap());
    let codes = house.factors.confirm(user.id, &app.code(house)).await.unwrap();
    (app, codes)
}

fn with(proof: Proof) -> LogIn {
    log_in("ann", PASSWORD).with_second_factor(proof)
}

#[tokio::test]
async fn once_it_is_set_up_a_password_alone_does_not_sign_in() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    assert!(!house.factors.is_set_up(ann.id).await.unwrap());
    let (app, _) = set_up(&house, ann.id).await;
    assert!(house.factors.is_set_up(ann.id).await.unwrap());

    let missing = house.sign_in.log_in(log_in("ann", PASSWORD)).await.unwrap_err();
    assert!(matches!(missing, SignInError::SecondFactorRequired));
    let problem = Problem::from(missing);
    assert_eq!((problem.status().as_u16(), problem.code()), (401, "second_factor_required"));
    let wrong = house.sign_in.log_in(log_in("ann", "another wrong one")).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)), "the password comes first");

    house.advance(30);
    let signed_in = house.sign_in.log_in(with(Proof::Code(app.code(&house)))).await.unwrap();
    assert_eq!(signed_in.session.second_factor_at, Some(house.clock.now()));
}

#[tokio::test]
async fn a_code_is_good_once() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (app, _) = set_up(&house, ann.id).await;
    let confirming = house.sign_in.log_in(with(Proof::Code(app.code(&house)))).await;
    assert!(matches!(confirming, Err(SignInError::InvalidCredentials)), "it was used to confirm");
    house.advance(30);
    let code = app.code(&house);
    assert!(house.sign_in.log_in(with(Proof::Code(code.clone()))).await.is_ok());
    let again = house.sign_in.log_in(with(Proof::Code(code))).await;
    assert!(matches!(again, Err(SignInError::InvalidCredentials)));
}

#[tokio::test]
async fn a_code_does_not_help_a_wrong_password_and_is_not_used_up_by_it() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (app, _) = set_up(&house, ann.id).await;
    house.advance(30);
    let code = Proof::Code(app.code(&house));
    let wrong = log_in("ann", "another wrong one").with_second_factor(code.clone());
    assert!(matches!(house.sign_in.log_in(wrong).await, Err(SignInError::InvalidCredentials)));
    assert!(house.sign_in.log_in(with(code)).await.is_ok());
}

#[tokio::test]
async fn ten_recovery_codes_are_good_once_each() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (_, codes) = set_up(&house, ann.id).await;
    assert_eq!(codes.len(), 10);
    for code in &codes {
        assert!(house.sign_in.log_in(with(Proof::Recovery(code.clone()))).await.is_ok());
    }
    let again = house.sign_in.log_in(with(Proof::Recovery(codes[0].clone()))).await;
    assert!(matches!(again, Err(SignInError::InvalidCredentials)));
    house.advance(3600);
    let of_bob = house.person("bob").await;
    let (_, others) = set_up(&house, of_bob.id).await;
    let borrowed = house.sign_in.log_in(with(Proof::Recovery(others[0].clone()))).await;
    assert!(matches!(borrowed, Err(SignInError::InvalidCredentials)), "of another person");
}

#[tokio::test]
async fn guessing_codes_is_slowed_and_recovery_codes_still_work() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (app, recovery) = set_up(&house, ann.id).await;
    house.advance(30);
    let mut throttled = false;
    for _ in 0..8 {
        let guess = house.factors.remove(ann.id, &Proof::Code(secret("000000"))).await;
        throttled |= matches!(guess, Err(SecondFactorError::Throttled { .. }));
    }
    assert!(throttled);
    let right = house.factors.remove(ann.id, &Proof::Code(app.code(&house))).await;
    assert!(matches!(right, Err(SecondFactorError::Throttled { .. })));
    assert!(house.sign_in.log_in(with(Proof::Recovery(recovery[0].clone()))).await.is_ok());
}

#[tokio::test]
async fn to_end_it_takes_a_code_or_the_password() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (app, recovery) = set_up(&house, ann.id).await;
    let wrong = house.factors.remove(ann.id, &Proof::Recovery(secret("0000-0000-0000-0000"))).await;
    assert!(matches!(wrong, Err(SecondFactorError::WrongCode)));
    let again = house.factors.enrol(&ann).await;
    assert!(matches!(again, Err(SecondFactorError::AlreadySetUp)));

    house.advance(30);
    house.factors.remove(ann.id, &Proof::Code(app.code(&house))).await.unwrap();
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_ok());
    let old = house.factors.remove(ann.id, &Proof::Recovery(recovery[0].clone())).await;
    assert!(matches!(old, Err(SecondFactorError::WrongCode)), "they went with it");

    let session = house.log_in("ann").await.session;
    set_up(&house, ann.id).await;
    let other = secret("not the password");
    let wrong = house.sign_in.remove_second_factor(session.id, &other, &client()).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    house.sign_in.remove_second_factor(session.id, &secret(PASSWORD), &client()).await.unwrap();
    assert!(!house.factors.is_set_up(ann.id).await.unwrap());
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let (_, old) = set_up(&house, ann.id).await;
    let new = house.factors.renew_recovery_codes(ann.id, &Proof::Recovery(old[0].clone())).await;
    let new = new.unwrap();
    assert!(house.sign_in.log_in(with(Proof::Recovery(old[1].clone()))).await.is_err());
    assert!(house.sign_in.log_in(with(Proof::Recovery(new[0].clone()))).await.is_ok());
}

#[tokio::test]
async fn the_table_holds_neither_secret_nor_codes_and_rows_cannot_be_exchanged() {
    let house = House::new().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let enrolment = house.factors.enrol(&ann).await.unwrap();
    let url = enrolment.url.expose_secret();
    assert!(url.starts_with("otpauth://totp/Club:ann") && url.contains("issuer=Club"), "{url}");
    let secret = Secret::try_from_base32(enrolment.secret.expose_secret()).unwrap();
    let sql =
        "select count(*) from saas_rbac.second_factors where position($1 in sealed_secret) > 0";
    let mut conn = house.world.server().connect(house.world.database()).await;
    let query = sqlx::query_scalar(sql).bind(secret.as_bytes());
    let found: i64 = query.fetch_one(&mut conn).await.unwrap();
    assert_eq!(found, 0);

    let (app, _) = set_up(&house, bob.id).await;
    house
        .world
        .as_superuser(
            "update saas_rbac.second_factors set sealed_secret = (
                 select f.sealed_secret from saas_rbac.second_factors f where f.confirmed_at is not null)",
        )
        .await;
    let stolen = house.factors.confirm(ann.id, &app.code(&house)).await;
    assert!(matches!(stolen, Err(SecondFactorError::Sealed(_))), "{stolen:?}");
}
