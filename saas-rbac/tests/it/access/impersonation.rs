use std::time::Duration;

use saas_core::{
    RequestId, SessionId, UserId,
    auth::{Credential, Principal},
};
use saas_rbac::{
    AccessError,
    impersonation::{Impersonations, LONGEST, NewImpersonation},
    require::SuperAdmin,
};

use super::club::{ADMIN, Club};

fn impersonations(club: &Club) -> Impersonations {
    Impersonations::new(club.databases().clone(), club.clock.clone())
}

async fn make_staff(club: &Club, user: UserId) {
    club.as_system(&format!(
        "update saas_rbac.users set is_super_admin = true where id = '{user}'"
    ))
    .await;
}

/// The proof of somebody who is staff at this moment.
async fn staff(club: &Club, user: UserId) -> Result<SuperAdmin, AccessError> {
    let session = Credential::AccessToken(SessionId::generate(&club.clock));
    let principal = Principal::new(user, session, club.now());
    SuperAdmin::of(&principal, club.authorizer().person(user).await.unwrap())
}

fn wanted(club: &Club, user: UserId) -> NewImpersonation {
    let (tenant, reason) = (club.tenant, "ticket 4711".to_owned());
    NewImpersonation { tenant, user, reason, duration: Duration::from_secs(600) }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_acts_for_a_member_for_a_while() {
    let club = Club::new().await;
    let all = impersonations(&club);
    let (root, admin) = (club.person("root").await, club.member("admin", ADMIN).await);
    make_staff(&club, root).await;
    let request = RequestId::generate(&club.clock);
    let by = staff(&club, root).await.unwrap();
    let begun = all.begin(by, wanted(&club, admin), request).await.unwrap();
    assert_eq!(all.list(Some(club.tenant)).await.unwrap(), std::slice::from_ref(&begun));
    let nobody = club.person("nobody").await;
    let refused = all.end(nobody, begun.session, request).await;
    assert!(matches!(refused, Err(AccessError::SuperAdminsOnly)));
    all.end(root, begun.session, request).await.unwrap();
    assert!(all.list(None).await.unwrap().is_empty());
    let again = all.end(root, begun.session, request).await;
    assert!(matches!(again, Err(AccessError::NotFound(_))));

    all.begin(by, wanted(&club, admin), request).await.unwrap();
    club.hand.advance(Duration::from_secs(600));
    assert!(all.list(None).await.unwrap().is_empty(), "its time is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_staff_and_only_for_others() {
    let club = Club::new().await;
    let all = impersonations(&club);
    let (root, other) = (club.person("root").await, club.member("other", ADMIN).await);
    assert!(matches!(staff(&club, root).await, Err(AccessError::SuperAdminsOnly)));
    make_staff(&club, root).await;
    let by = staff(&club, root).await.unwrap();
    let request = RequestId::generate(&club.clock);
    let stranger = club.person("stranger").await;
    let refused = all.begin(by, wanted(&club, stranger), request).await;
    assert!(matches!(refused, Err(AccessError::NotFound("person"))));
    make_staff(&club, other).await;
    let refused = all.begin(by, wanted(&club, other), request).await;
    assert!(matches!(refused, Err(AccessError::SuperAdminsOnly)), "staff is no one's mask");
    for duration in [Duration::ZERO, LONGEST + Duration::from_secs(1)] {
        let new = NewImpersonation { duration, ..wanted(&club, club.owner) };
        let refused = all.begin(by, new, request).await;
        assert!(matches!(refused, Err(AccessError::Invalid { field: "duration", .. })));
    }
    let new = NewImpersonation { reason: " ".to_owned(), ..wanted(&club, club.owner) };
    let refused = all.begin(by, new, request).await;
    assert!(matches!(refused, Err(AccessError::Invalid { field: "reason", .. })));
    // The proof is from before: the database is asked again.
    club.as_system("update saas_rbac.users set is_super_admin = false").await;
    let refused = all.begin(by, wanted(&club, club.owner), request).await;
    assert!(matches!(refused, Err(AccessError::SuperAdminsOnly)));
}
