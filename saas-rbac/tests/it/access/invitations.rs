use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{BoxError, RequestId, TenantId};
use saas_rbac::{
    AccessError,
    invitation::{Acceptance, Invitations, Joined, Seats, Status, Unlimited},
    team::Team,
};
use secrecy::{ExposeSecret, SecretString};

use super::club::{ADMIN, Club, MEMBER, MODEL, OWNER, VIEWER};

#[derive(Debug)]
pub(super) struct Limit(pub(super) u32);

#[async_trait]
impl Seats for Limit {
    async fn limit(&self, _tenant: TenantId) -> Result<Option<u32>, BoxError> {
        Ok(Some(self.0))
    }
}

pub(super) fn invitations(club: &Club, seats: impl Seats) -> Invitations {
    Invitations::new(club.databases().clone(), MODEL, club.clock.clone(), Arc::new(seats))
}

async fn accept(
    club: &Club,
    token: &SecretString,
    acceptance: Acceptance,
) -> Result<Joined, AccessError> {
    let request = RequestId::generate(&club.clock);
    invitations(club, Unlimited).accept(token.expose_secret(), acceptance, request).await
}

fn somebody_new() -> Acceptance {
    let password_hash = "$argon2id$v=19$test".to_owned().into();
    Acceptance::New { name: "Ada".to_owned(), password_hash }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_comes_in_with_a_verified_address() {
    let club = Club::new().await;
    let all = invitations(&club, Unlimited);
    let sent = all.create(&club.acting(club.owner).await, "ada@new.test", "admin").await.unwrap();
    let joined = accept(&club, &sent.token, somebody_new()).await.unwrap();
    assert_eq!((joined.tenant, joined.invitation), (club.tenant, sent.invitation.id));
    let member = club.authorizer().member(club.tenant, joined.user).await.unwrap().unwrap();
    assert_eq!(member.roles(), ["admin"]);
    let sql = "select email || ' ' || name || ' ' || (email_verified_at is not null)::text
               from saas_rbac.users where id = $1";
    let query = sqlx::query_scalar(sql).bind(joined.user.as_uuid());
    let made: String = query.fetch_one(&mut club.superuser().await).await.unwrap();
    assert_eq!(made, "ada@new.test Ada true");
    let listed = all.list(&club.scope(club.owner)).await.unwrap();
    assert_eq!(listed[0].status, Status::Accepted);

    let again = accept(&club, &sent.token, somebody_new()).await;
    assert!(matches!(again, Err(AccessError::TokenUsed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_only_for_its_address() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let all = invitations(&club, Unlimited);
    let (ada, eve) = (club.person("ada").await, club.person("eve").await);
    let sent = all.create(&owner, "ADA@acme.test", "member").await.unwrap();
    let refused = accept(&club, &sent.token, Acceptance::Existing(eve)).await;
    assert!(matches!(refused, Err(AccessError::EmailMismatch)));
    let refused = accept(&club, &sent.token, somebody_new()).await;
    assert!(matches!(refused, Err(AccessError::EmailTaken)));
    let unverify =
        format!("update saas_rbac.users set email_verified_at = null where id = '{ada}'");
    club.as_system(&unverify).await;
    let refused = accept(&club, &sent.token, Acceptance::Existing(ada)).await;
    assert!(matches!(refused, Err(AccessError::EmailNotVerified)));
    let verify = format!("update saas_rbac.users set email_verified_at = now() where id = '{ada}'");
    club.as_system(&verify).await;
    let joined = accept(&club, &sent.token, Acceptance::Existing(ada)).await.unwrap();
    assert_eq!(joined.user, ada, "what was refused before has not used it up");
    let again = all.create(&owner, "ada@acme.test", "admin").await;
    assert!(matches!(again, Err(AccessError::AlreadyMember)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_by_time_by_resending_and_by_revoking() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let all = invitations(&club, Unlimited);
    let first = all.create(&owner, "ada@new.test", "member").await.unwrap();
    let twice = all.create(&owner, "Ada@new.test", "member").await;
    assert!(matches!(twice, Err(AccessError::AlreadyInvited)));
    let second = all.resend(&owner, first.invitation.id).await.unwrap();
    let old = accept(&club, &first.token, somebody_new()).await;
    assert!(matches!(old, Err(AccessError::TokenUsed)), "the older token is void");

    club.hand.advance(TimeDelta::days(7).to_std().unwrap());
    let late = accept(&club, &second.token, somebody_new()).await;
    assert!(matches!(late, Err(AccessError::TokenUsed)));
    assert_eq!(all.list(owner.scope()).await.unwrap()[0].status, Status::Expired);
    let third = all.create(&owner, "ada@new.test", "member").await.unwrap();
    all.revoke(&owner, third.invitation.id).await.unwrap();
    let gone = accept(&club, &third.token, somebody_new()).await;
    assert!(matches!(gone, Err(AccessError::TokenUsed)));
    let over = all.resend(&owner, third.invitation.id).await;
    assert!(matches!(over, Err(AccessError::TokenUsed)));
    let made_up = SecretString::from("x".repeat(43));
    let unknown = accept(&club, &made_up, somebody_new()).await;
    assert!(matches!(unknown, Err(AccessError::TokenUsed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_promises_more_than_they_hold() {
    let club = Club::new().await;
    let all = invitations(&club, Unlimited);
    let member = club.member("member", MEMBER).await;
    let admin = club.member("admin", ADMIN).await;
    for acting in [club.acting(member).await, club.overrated(member)] {
        let refused = all.create(&acting, "a@new.test", "admin").await.unwrap_err();
        assert!(matches!(refused, AccessError::NotGrantable { .. }), "{refused}");
    }
    for acting in [club.acting(admin).await, club.overrated(admin)] {
        let refused = all.create(&acting, "a@new.test", "owner").await.unwrap_err();
        let by_any = matches!(refused, AccessError::NotGrantable { .. } | AccessError::OwnersOnly);
        assert!(by_any, "{refused}");
    }
    let big = all.create(&club.acting(club.owner).await, "b@new.test", "owner").await.unwrap();
    for acting in [club.acting(admin).await, club.overrated(admin)] {
        assert!(all.resend(&acting, big.invitation.id).await.is_err());
        assert!(all.revoke(&acting, big.invitation.id).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_invited_must_still_be_able_to_when_it_is_taken() {
    let club = Club::new().await;
    let all = invitations(&club, Unlimited);
    let team = Team::new(club.databases().clone(), MODEL, club.clock.clone());
    let admin = club.member("admin", ADMIN).await;
    let sent = all.create(&club.acting(admin).await, "ada@new.test", "admin").await.unwrap();
    let owner = club.acting(club.owner).await;
    team.change_role(&owner, admin, "member").await.unwrap();
    let refused = accept(&club, &sent.token, somebody_new()).await;
    assert!(matches!(refused, Err(AccessError::InviterLostRight)));
    team.remove(&owner, admin).await.unwrap();
    let refused = accept(&club, &sent.token, somebody_new()).await;
    assert!(matches!(refused, Err(AccessError::InviterLostRight)));
    club.join(admin, OWNER).await;
    accept(&club, &sent.token, somebody_new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_open_invitations_take_seats() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let all = invitations(&club, Limit(3));
    club.member("viewer", VIEWER).await;
    let last = all.create(&owner, "a@new.test", "member").await.unwrap();
    let refused = all.create(&owner, "b@new.test", "member").await;
    assert!(matches!(refused, Err(AccessError::SeatLimit { limit: 3 })));
    all.revoke(&owner, last.invitation.id).await.unwrap();
    let last = all.create(&owner, "b@new.test", "member").await.unwrap();
    club.hand.advance(TimeDelta::days(8).to_std().unwrap());
    all.create(&owner, "c@new.test", "member").await.unwrap();
    let refused = all.resend(&owner, last.invitation.id).await;
    assert!(matches!(refused, Err(AccessError::SeatLimit { .. })), "its seat was given away");
}
