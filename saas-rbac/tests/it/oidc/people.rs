use std::sync::Arc;

use async_trait::async_trait;
use saas_core::{BoxError, Problem, TenantId};
use saas_rbac::{
    AccessError,
    invitation::Seats,
    oidc::{Newcomers, SignInWithError},
    sign_in::{Credential, SignInError},
    user::EmailProof,
};

use super::hall::Hall;

#[derive(Debug)]
struct OneSeat;

#[async_trait]
impl Seats for OneSeat {
    async fn limit(&self, _tenant: TenantId) -> Result<Option<u32>, BoxError> {
        Ok(Some(1))
    }
}

fn code<T: std::fmt::Debug>(done: Result<T, SignInWithError>) -> String {
    Problem::from(done.expect_err("it must be refused")).code().to_owned()
}

#[tokio::test]
async fn a_newcomer_gets_an_account_and_is_the_same_person_next_time() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    let first = hall.sign_in("ann", &by).await.unwrap();
    assert_eq!(
        (first.user.email.as_str(), first.user.name.as_str()),
        ("ann@acme.test", "Ann Other")
    );
    assert!(first.user.email_verified_at.is_some());
    assert!(matches!(first.credential, Credential::Cookie(_)));
    assert!(first.session.second_factor_at.is_none());
    hall.advance(1);
    let second = hall.sign_in("ann", &by).await.unwrap();
    assert_eq!(second.user.id, first.user.id);
    assert_ne!(second.session.id, first.session.id);
    assert_eq!(hall.count("select count(*) from saas_rbac.identities").await, 1);
    assert_eq!(hall.count("select count(*) from saas_rbac.memberships").await, 0);
}

#[tokio::test]
async fn two_first_visits_at_once_make_one_person() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    let (one, other) = (hall.arrive("ann", &by).await, hall.arrive("ann", &by).await);
    let (one, other) = tokio::join!(
        hall.sign_in_with.sign_in(&one, hall.arriving()),
        hall.sign_in_with.sign_in(&other, hall.arriving()),
    );
    assert_eq!(one.unwrap().user.id, other.unwrap().user.id);
}

#[tokio::test]
async fn the_session_of_before_ends_and_a_new_one_begins() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    let first = hall.sign_in("ann", &by).await.unwrap();
    let Credential::Cookie(secret) = &first.credential else { panic!("a cookie was wanted") };
    let arrival = hall.arrive("ann", &by).await;
    let arriving = hall.arriving().replacing(secret.clone());
    let second = hall.sign_in_with.sign_in(&arrival, arriving).await.unwrap();
    assert_ne!(second.session.id, first.session.id);
    let over = "select count(*) from saas_rbac.sessions where revoked_because = 'replaced'";
    assert_eq!(hall.count(over).await, 1);
}

#[tokio::test]
async fn an_address_that_both_sides_have_verified_ties_the_two() {
    let hall = Hall::new().await;
    let ann = hall.person("ann", EmailProof::Given).await;
    let by = hall.for_all(Newcomers::Refused).await;
    assert_eq!(hall.sign_in("ann", &by).await.unwrap().user.id, ann.id);
}

#[tokio::test]
async fn nobody_takes_an_account_over_by_an_unverified_address() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    // The provider has not verified it.
    let ann = hall.person("ann", EmailProof::Given).await;
    assert_eq!(code(hall.sign_in("eve", &by).await), "link_required");
    // The person has not verified it: somebody may have signed up with an address not theirs.
    hall.person("ben", EmailProof::Missing).await;
    assert_eq!(code(hall.sign_in("ben", &by).await), "link_required");
    assert_eq!(hall.count("select count(*) from saas_rbac.identities").await, 0);
    assert_eq!(hall.count("select count(*) from saas_rbac.sessions").await, 0);
    // Who has signed in otherwise can link the two.
    let eve = hall.arrive("eve", &by).await;
    hall.sign_in_with.link(ann.id, &eve).await.unwrap();
    assert_eq!(hall.sign_in("eve", &by).await.unwrap().user.id, ann.id);
    let ben = hall.person("ben2", EmailProof::Given).await;
    assert_eq!(code(hall.sign_in_with.link(ben.id, &eve).await), "linked_elsewhere");
}

#[tokio::test]
async fn an_unverified_or_missing_address_makes_no_account() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    assert_eq!(code(hall.sign_in("eve", &by).await), "no_address");
    assert_eq!(code(hall.sign_in("mute", &by).await), "no_address");
    assert_eq!(hall.count("select count(*) from saas_rbac.users").await, 0);
}

#[tokio::test]
async fn a_second_factor_is_not_gone_around_by_an_address() {
    let hall = Hall::new().await;
    let ann = hall.person("ann", EmailProof::Given).await;
    let factor = format!(
        "insert into saas_rbac.second_factors (user_id, sealed_secret, confirmed_at, created_at)
         values ('{}', 'x', now(), now())",
        ann.id.as_uuid(),
    );
    hall.world.as_superuser(&factor).await;
    let by = hall.for_all(Newcomers::Refused).await;
    assert_eq!(code(hall.sign_in("ann", &by).await), "link_required");
}

#[tokio::test]
async fn a_link_from_before_the_address_was_proven_does_not_count() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let by = hall.of_tenant(acme, Some("guest")).await;
    // Eve is the first to come with the address of Ann, by a provider that Ann has nothing to do with.
    let eve = hall.sign_in("eve", &by).await.unwrap();
    assert!(eve.user.email_verified_at.is_none());
    assert_eq!(hall.sign_in("eve", &by).await.unwrap().user.id, eve.user.id);
    // Ann gets the account back by a mail, which proves the address.
    hall.advance(1);
    let proven = "update saas_rbac.users set email_verified_at = now() + interval '1 hour'";
    hall.world.as_superuser(&format!("{proven} where email = 'ann@acme.test'")).await;
    assert_eq!(code(hall.sign_in("eve", &by).await), "link_required");
}

#[tokio::test]
async fn whoever_is_unknown_must_be_invited_where_newcomers_are_refused() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Refused).await;
    assert_eq!(code(hall.sign_in("ann", &by).await), "no_account");
    let acme = hall.tenant("acme").await;
    let by = hall.of_tenant(acme, None).await;
    assert_eq!(code(hall.sign_in("ann", &by).await), "no_account");
}

#[tokio::test]
async fn a_disabled_person_stays_out() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    let ann = hall.sign_in("ann", &by).await.unwrap().user;
    hall.users.disable(ann.id).await.unwrap();
    assert_eq!(code(hall.sign_in("ann", &by).await), "sign_in_failed");
}

#[tokio::test]
async fn a_newcomer_joins_the_tenant_of_the_connection_and_it_is_noted() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let by = hall.of_tenant(acme, Some("guest")).await;
    let ann = hall.sign_in("ann", &by).await.unwrap();
    assert_eq!(ann.session.tenant, Some(acme));
    assert!(ann.user.email_verified_at.is_none(), "a tenant's provider proves nothing");
    let all = hall.users.memberships(ann.user.id).await.unwrap();
    assert_eq!(all.iter().map(|one| (one.tenant, one.role_mask)).collect::<Vec<_>>(), [(acme, 2)]);
    let noted =
        "select count(*) from saas_tenancy.audit_pending where entry like '%connection.join%'";
    assert_eq!(hall.count(noted).await, 1);
}

#[tokio::test]
async fn nobody_joins_where_no_seat_is_free() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let by = hall.of_tenant(acme, Some("guest")).await;
    let arrival = hall.arrive("ann", &by).await;
    let sign_in_with = hall.with_seats(Arc::new(OneSeat));
    let done = sign_in_with.sign_in(&arrival, hall.arriving()).await;
    assert!(matches!(done, Err(SignInWithError::NotJoined(AccessError::SeatLimit { limit: 1 }))));
    assert_eq!(hall.count("select count(*) from saas_rbac.identities").await, 0);
}

#[tokio::test]
async fn the_provider_of_one_tenant_opens_no_other() {
    let hall = Hall::new().await;
    let (acme, globex) = (hall.tenant("acme").await, hall.tenant("globex").await);
    let ann = hall.person("ann", EmailProof::Given).await;
    hall.join(globex, ann.id, 2).await;
    let by = hall.of_tenant(acme, Some("guest")).await;
    let arrival = hall.arrive("ann", &by).await;
    // Acme's provider says whatever Acme wants: it does not get at who has the address.
    let done = hall.sign_in_with.sign_in(&arrival, hall.arriving()).await;
    assert_eq!(code(done), "link_required");
    let there = hall.arriving().in_tenant(globex);
    assert_eq!(code(hall.sign_in_with.sign_in(&arrival, there).await), "sign_in_failed");
    // Who has linked it comes into Acme at most, and only as a member.
    hall.sign_in_with.link(ann.id, &arrival).await.unwrap();
    let done = hall.sign_in_with.sign_in(&arrival, hall.arriving()).await;
    assert!(matches!(done, Err(SignInWithError::SignIn(SignInError::NotAMember))), "{done:?}");
    hall.join(acme, ann.id, 2).await;
    let done = hall.sign_in_with.sign_in(&arrival, hall.arriving()).await.unwrap();
    assert_eq!(done.session.tenant, Some(acme));
}

#[tokio::test]
async fn the_provider_of_a_tenant_does_not_speak_for_a_super_administrator() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let by = hall.of_tenant(acme, Some("guest")).await;
    let ann = hall.sign_in("ann", &by).await.unwrap();
    hall.world.as_superuser("update saas_rbac.users set is_super_admin = true").await;
    assert_eq!(code(hall.sign_in("ann", &by).await), "sign_in_failed");
    let sessions = "select count(*) from saas_rbac.sessions";
    assert_eq!((hall.count(sessions).await, ann.session.tenant), (1, Some(acme)));
}

#[tokio::test]
async fn a_connection_that_was_deleted_meanwhile_signs_nobody_in() {
    let hall = Hall::new().await;
    let by = hall.for_all(Newcomers::Admitted).await;
    let arrival = hall.arrive("ann", &by).await;
    hall.connections.delete_for_all(by.id).await.unwrap();
    let done = hall.sign_in_with.sign_in(&arrival, hall.arriving()).await;
    assert_eq!(code(done), "sign_in_failed");
}
