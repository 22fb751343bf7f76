use saas_core::{UserId, permission::Grants};
use saas_rbac::{AccessError, Authorizer, Member, role::NewRole};
use saas_tenancy::{
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    store::DEFAULT_SERVER,
};

use super::club::{ADMIN, Club, MEMBER, MODEL, OWNER, eventually, set};

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_what_all_the_roles_give() {
    let club = Club::new().await;
    club.role("Desk", &["members:export"], &[]).await;
    let user = club.member("desk", MEMBER | club.mask_of("Desk").await).await;
    let member = club.authorizer().member(club.tenant, user).await.unwrap().unwrap();
    assert_eq!(member.roles(), ["member", "Desk"]);
    assert_eq!(member.permissions(), set(&["members:*", "team:read"]));
    assert_eq!(member.epoch(), 1);
    let stranger = club.person("stranger").await;
    assert!(club.authorizer().member(club.tenant, stranger).await.unwrap().is_none());
    let nobody = UserId::generate(&club.clock);
    assert!(club.authorizer().member(club.tenant, nobody).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_is_nobody() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    let authorizer = club.authorizer();
    assert!(authorizer.person(admin).await.unwrap().is_some());
    club.as_system(&format!("update saas_rbac.users set disabled_at = now() where id = '{admin}'"))
        .await;
    assert!(authorizer.member(club.tenant, admin).await.unwrap().is_none());
    assert!(authorizer.person(admin).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_wins_over_every_role() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    club.as_system(&format!(
        "update saas_rbac.memberships set denied = set_bit(denied, 2, 1) where user_id = '{admin}'"
    ))
    .await;
    let member = club.authorizer().member(club.tenant, admin).await.unwrap().unwrap();
    assert_eq!(member.denied(), set(&["members:export"]));
    let grants = Grants::new(member.terms());
    assert!(grants.allows_bit(1) && !grants.allows_bit(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_reaches_a_process_that_listens() {
    let club = Club::new().await;
    let (authorizer, _listener) = club.listening().await;
    let owner = club.acting(club.owner).await;
    let desk = club.role("Desk", &["members:read"], &[]).await;
    let user = club.member("desk", club.mask_of("Desk").await).await;
    let sees = async |what: &dyn Fn(Option<&Member>) -> bool| {
        eventually(async || what(authorizer.member(club.tenant, user).await.unwrap().as_deref()))
            .await;
        // An answer that was on its way when something changed is not kept: ask until one is.
        eventually(async || {
            authorizer.member(club.tenant, user).await.unwrap();
            authorizer.remembered(club.tenant, user).is_some()
        })
        .await;
    };
    sees(&|member| member.is_some_and(|it| it.permissions() == set(&["members:read"]))).await;

    let more = NewRole::new("Desk").with_permissions(["members:*"]);
    club.roles.update(&owner, desk.id.unwrap(), more, desk.version).await.unwrap();
    sees(&|member| member.is_some_and(|it| it.permissions() == set(&["members:*"]))).await;

    club.as_system(&format!("update saas_rbac.users set epoch = 2 where id = '{user}'")).await;
    sees(&|member| member.is_some_and(|it| it.epoch() == 2)).await;

    let promote = format!("set role_mask = {OWNER} where user_id = '{user}'");
    club.as_system(&format!("update saas_rbac.memberships {promote}")).await;
    sees(&|member| member.is_some_and(|it| it.roles() == ["owner"])).await;

    club.as_system(&format!("delete from saas_rbac.memberships where user_id = '{user}'")).await;
    sees(&|member| member.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_listener_nothing_is_answered_from_memory() {
    let club = Club::new().await;
    let authorizer = club.authorizer();
    authorizer.member(club.tenant, club.owner).await.unwrap();
    assert!(authorizer.remembered(club.tenant, club.owner).is_none());
    let (listening, listener) = club.listening().await;
    drop(listener);
    eventually(async || listening.remembered(club.tenant, club.owner).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_an_error_and_never_a_yes() {
    let club = Club::new().await;
    // Nothing listens at port 1.
    let nowhere = "postgres://saas_app:x@127.0.0.1:1/app".to_owned().into();
    let address = ServerAddress::new(DEFAULT_SERVER, &nowhere).unwrap();
    let databases = TenantDatabases::new(&DatabaseOptions::new(), address, [], club.clock.clone());
    let authorizer = Authorizer::new(databases, MODEL, club.clock.clone());
    let member = authorizer.member(club.tenant, club.owner).await;
    assert!(matches!(member, Err(AccessError::Unavailable(_))), "{member:?}");
    let person = authorizer.person(club.owner).await;
    assert!(matches!(person, Err(AccessError::Unavailable(_))), "{person:?}");
}
