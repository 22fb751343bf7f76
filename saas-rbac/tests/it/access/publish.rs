use saas_core::permission::{PermissionInfo, PermissionSet, Risk};
use saas_rbac::{
    AccessModel,
    permission::{Catalogue, FixedRole, FixedRoles},
    schema::{PublishError, publish},
};

use super::club::{Club, MODEL};

const fn info(bit: u8, name: &'static str) -> PermissionInfo {
    PermissionInfo { bit, name, risk: Risk::Low, description: "" }
}

const OWNER_ONLY: FixedRoles = FixedRoles::new(&[FixedRole::new(0, "owner", PermissionSet::ALL)]);

async fn try_publish(club: &Club, model: AccessModel) -> Result<(), PublishError> {
    publish(&mut club.superuser().await, &model, &club.clock).await
}

async fn retired(club: &Club) -> Vec<String> {
    let sql = "select name from saas_rbac.permissions where retired_at is not null order by bit";
    sqlx::query_scalar(sql).fetch_all(&mut club.superuser().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_again_changes_nothing() {
    let club = Club::new().await;
    try_publish(&club, MODEL).await.unwrap();
    assert!(retired(&club).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_keeps_its_meaning_and_a_name_its_bit() {
    const RENAMED: Catalogue = Catalogue::new(&[info(0, "members:look_at")]);
    const MOVED: Catalogue = Catalogue::new(&[info(5, "members:read")]);
    const MOVED_ROLE: FixedRoles = FixedRoles::new(&[
        FixedRole::new(0, "owner", PermissionSet::ALL),
        FixedRole::new(4, "viewer", PermissionSet::EMPTY),
    ]);
    const TAKEN_ROLE: FixedRoles = FixedRoles::new(&[
        FixedRole::new(0, "owner", PermissionSet::ALL),
        FixedRole::new(3, "guest", PermissionSet::EMPTY),
    ]);
    let club = Club::new().await;
    let reused = try_publish(&club, AccessModel::new(RENAMED, OWNER_ONLY)).await.unwrap_err();
    assert!(matches!(reused, PublishError::BitReused { bit: 0, .. }), "{reused}");
    let moved = try_publish(&club, AccessModel::new(MOVED, OWNER_ONLY)).await.unwrap_err();
    assert!(matches!(moved, PublishError::BitChanged { stored: 0, declared: 5, .. }), "{moved}");
    let all = *MODEL.catalogue();
    let moved = try_publish(&club, AccessModel::new(all, MOVED_ROLE)).await.unwrap_err();
    assert!(matches!(moved, PublishError::BitChanged { stored: 3, declared: 4, .. }), "{moved}");
    let reused = try_publish(&club, AccessModel::new(all, TAKEN_ROLE)).await.unwrap_err();
    assert!(matches!(reused, PublishError::BitReused { bit: 3, .. }), "{reused}");
    assert!(retired(&club).await.is_empty(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_permission_gives_nothing_and_keeps_its_bit() {
    const LESS: Catalogue = Catalogue::new(&[info(0, "members:read")]);
    const TAKEN: Catalogue = Catalogue::new(&[info(0, "members:read"), info(1, "notes:read")]);
    let club = Club::new().await;
    let desk = club.role("Desk", &["members:read", "members:create"], &[]).await;
    try_publish(&club, AccessModel::new(LESS, OWNER_ONLY)).await.unwrap();
    assert_eq!(retired(&club).await.len(), MODEL.catalogue().iter().len() - 1);
    let after = club.roles.get(&club.scope(club.owner), desk.id.unwrap()).await.unwrap();
    assert_eq!(after.gives, PermissionSet::of(0));
    let taken = try_publish(&club, AccessModel::new(TAKEN, OWNER_ONLY)).await.unwrap_err();
    assert!(matches!(taken, PublishError::BitReused { bit: 1, .. }), "{taken}");
    try_publish(&club, MODEL).await.unwrap();
    assert!(retired(&club).await.is_empty(), "declared again, it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_fixed_role_changes_the_roles_that_include_it_follow() {
    const NARROW: FixedRoles = FixedRoles::new(&[
        FixedRole::new(0, "owner", PermissionSet::ALL),
        FixedRole::new(3, "viewer", PermissionSet::of(10)),
    ]);
    let club = Club::new().await;
    let desk = club.role("Desk", &["members:create"], &["viewer"]).await;
    let head = club.role("Head", &[], &["Desk"]).await;
    assert_eq!(head.gives, [0, 1].into_iter().collect());
    try_publish(&club, AccessModel::new(*MODEL.catalogue(), NARROW)).await.unwrap();
    for role in [desk, head] {
        let after = club.roles.get(&club.scope(club.owner), role.id.unwrap()).await.unwrap();
        assert_eq!(after.gives, [1, 10].into_iter().collect(), "{}", after.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_must_be_able_to_own_a_tenant() {
    const NOBODY: FixedRoles = FixedRoles::new(&[FixedRole::new(1, "admin", PermissionSet::ALL)]);
    let club = Club::new().await;
    let refused = try_publish(&club, AccessModel::new(*MODEL.catalogue(), NOBODY)).await;
    assert!(matches!(refused, Err(PublishError::NoOwner)));
}
