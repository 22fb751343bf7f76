use saas_core::Problem;
use saas_rbac::user::{Email, NewUser, UserError};

use super::house::{House, PASSWORD, email, log_in, tokens};

#[tokio::test]
async fn an_address_belongs_to_one_person_however_it_is_written() {
    let house = House::new().await;
    let ann = house.users.create(NewUser::new(email("Ann"), " Ann ").unwrap()).await.unwrap();
    assert_eq!((ann.name.as_str(), ann.epoch, ann.email_verified_at), ("Ann", 1, None));
    let again = NewUser::new(Email::parse(" aNN@ACME.test ").unwrap(), "Eve").unwrap();
    let taken = house.users.create(again).await.unwrap_err();
    assert!(matches!(taken, UserError::EmailTaken));
    let problem = Problem::from(taken);
    assert_eq!((problem.status().as_u16(), problem.code()), (409, "email_taken"));
    let found = house.users.by_email(&Email::parse("ANN@acme.TEST").unwrap()).await.unwrap();
    assert_eq!(found, Some(ann));
}

#[tokio::test]
async fn of_many_who_take_an_address_at_once_one_gets_it() {
    let house = House::new().await;
    let tries = (0..16).map(|n| {
        let users = house.users.clone();
        let new = NewUser::new(email("ann"), &format!("Ann {n}")).unwrap();
        tokio::spawn(async move { users.create(new).await })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error, UserError::EmailTaken), "{error:?}"),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_person_is_renamed_by_whoever_read_them_last() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let renamed = house.users.rename(ann.id, "Ann Other", ann.version).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.version), ("Ann Other", ann.version + 1));
    let stale = house.users.rename(ann.id, "Nobody", ann.version).await;
    assert!(matches!(stale, Err(UserError::Stale)));
    let invalid = house.users.rename(ann.id, "a\0b", renamed.version).await;
    assert!(matches!(invalid, Err(UserError::InvalidName)));
    assert_eq!(house.users.by_id(ann.id).await.unwrap().unwrap().name, "Ann Other");
}

#[tokio::test]
async fn whoever_is_disabled_is_signed_out_everywhere_and_stays_out() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let signed_in = house.log_in("ann").await;
    let disabled = house.users.disable(ann.id).await.unwrap();
    assert_eq!(disabled.epoch, ann.epoch + 1);
    assert_eq!(house.end_of(signed_in.session.id).await.as_deref(), Some("user_disabled"));
    assert!(house.sign_in.refresh(&tokens(&signed_in).refresh_token).await.is_err());
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_err());

    house.users.enable(ann.id).await.unwrap();
    assert!(house.sign_in.refresh(&tokens(&signed_in).refresh_token).await.is_err());
    assert!(house.sign_in.log_in(log_in("ann", PASSWORD)).await.is_ok());
}

#[tokio::test]
async fn a_person_sees_the_tenants_they_belong_to_and_no_others() {
    let house = House::new().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let acme = house.tenant("acme", ann.id).await;
    house.tenant("globex", bob.id).await;
    let found = house.users.memberships(ann.id).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.tenant, one.slug.as_str())).collect();
    assert_eq!(found, [(acme, "acme")]);
}

#[tokio::test]
async fn a_tenants_role_reaches_no_credential() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let tenant = house.tenant("acme", ann.id).await;
    let actor = saas_core::Actor::User { id: ann.id };
    let request = saas_core::RequestId::generate(&house.clock);
    let scope = saas_core::Scope::new(tenant, actor, request);
    for sql in [
        "select password_hash from saas_rbac.users",
        "select sealed_secret from saas_rbac.second_factors",
        "select code_hash from saas_rbac.recovery_codes",
        "select secret_hash from saas_rbac.sessions",
        "select hash from saas_rbac.refresh_tokens",
        "select hash from saas_rbac.one_time_tokens",
        "select sealed_private_key from saas_rbac.signing_keys",
        "select key from saas_rbac.throttles",
        "select slug from saas_rbac.memberships_of(gen_random_uuid())",
    ] {
        let mut tx = house.databases().control(&scope).await.unwrap();
        let refused = sqlx::query(sql).fetch_optional(&mut tx).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
    }
}
