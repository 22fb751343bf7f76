use saas_core::UserId;
use saas_rbac::{AccessError, role::NewRole};

use super::club::{ADMIN, Club, MEMBER, VIEWER, set};

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_made_changed_and_deleted() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let desk = club.role("Front desk", &["members:*"], &["member"]).await;
    assert_eq!(desk.permissions, ["members:read", "members:create", "members:export"]);
    assert_eq!(desk.includes, ["member"]);
    assert_eq!(desk.gives, set(&["members:*", "team:read"]));
    let id = desk.id.unwrap();
    let listed = club.roles.list(owner.scope()).await.unwrap();
    let names: Vec<_> = listed.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["owner", "admin", "member", "viewer", "Front desk"]);

    let smaller = NewRole::new("Desk").with_permissions(["members:read"]);
    let after = club.roles.update(&owner, id, smaller.clone(), desk.version).await.unwrap();
    assert_eq!((after.name.as_str(), after.gives), ("Desk", set(&["members:read"])));
    let stale = club.roles.update(&owner, id, smaller, desk.version).await;
    assert!(matches!(stale, Err(AccessError::Stale)));
    let stale = club.roles.delete(&owner, id, desk.version).await;
    assert!(matches!(stale, Err(AccessError::Stale)));
    club.roles.delete(&owner, id, after.version).await.unwrap();
    let gone = club.roles.get(owner.scope(), id).await;
    assert!(matches!(gone, Err(AccessError::NotFound("role"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_checked() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    club.role("Desk", &[], &[]).await;
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        let refused = club.roles.create(&owner, NewRole::new(name)).await;
        assert!(matches!(refused, Err(AccessError::Invalid { field: "name", .. })), "{name:?}");
    }
    for name in ["owner", "Owner", "DESK", " desk "] {
        let refused = club.roles.create(&owner, NewRole::new(name)).await;
        assert!(matches!(refused, Err(AccessError::RoleNameTaken)), "{name:?}");
    }
    let unknown = NewRole::new("x").with_permissions(["members:fly"]);
    let refused = club.roles.create(&owner, unknown).await;
    assert!(matches!(refused, Err(AccessError::UnknownPermission(name)) if name == "members:fly"));
    let unknown = NewRole::new("x").with_includes(["nobody"]);
    let refused = club.roles.create(&owner, unknown).await;
    assert!(matches!(refused, Err(AccessError::UnknownRole(name)) if name == "nobody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_roles_is_refused_by_name() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let a = club.role("A", &["members:read"], &[]).await;
    club.role("B", &[], &["A"]).await;
    club.role("C", &[], &["B"]).await;
    let circle = NewRole::new("A").with_includes(["C"]);
    let refused = club.roles.update(&owner, a.id.unwrap(), circle, a.version).await.unwrap_err();
    assert_eq!(refused.to_string(), "roles cannot include each other in a circle: A → C → B → A");
    let itself = NewRole::new("A").with_includes(["A"]);
    let refused = club.roles.update(&owner, a.id.unwrap(), itself, a.version).await.unwrap_err();
    assert!(matches!(refused, AccessError::RoleCycle(names) if names == "A → A"));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_follow_the_roles_that_they_include() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let base = club.role("Base", &["members:read"], &[]).await;
    let middle = club.role("Middle", &[], &["Base"]).await;
    let top = club.role("Top", &["team:read"], &["Middle"]).await;
    let more = NewRole::new("Base").with_permissions(["members:export"]);
    club.roles.update(&owner, base.id.unwrap(), more, base.version).await.unwrap();
    let middle = club.roles.get(owner.scope(), middle.id.unwrap()).await.unwrap();
    let top = club.roles.get(owner.scope(), top.id.unwrap()).await.unwrap();
    assert_eq!(middle.gives, set(&["members:export"]));
    assert_eq!(top.gives, set(&["members:export", "team:read"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_role_of_what_they_do_not_hold() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    let wants = NewRole::new("X").with_permissions(["members:read", "tenant:delete"]);
    let refused = club.roles.create(&club.acting(admin).await, wants.clone()).await.unwrap_err();
    let named = |missing: &[String]| missing == ["tenant:delete"];
    assert!(matches!(&refused, AccessError::NotGrantable { missing } if named(missing)));
    // Where the code believes too much, the database still refuses.
    let refused = club.roles.create(&club.overrated(admin), wants).await.unwrap_err();
    assert!(matches!(&refused, AccessError::NotGrantable { missing } if missing.is_empty()));

    let big = club.role("Big", &["tenant:delete"], &[]).await;
    let id = big.id.unwrap();
    for acting in [club.acting(admin).await, club.overrated(admin)] {
        let less = club.roles.update(&acting, id, NewRole::new("Big"), big.version).await;
        assert!(matches!(less, Err(AccessError::NotGrantable { .. })), "to take is to decide, too");
        let none = club.roles.delete(&acting, id, big.version).await;
        assert!(matches!(none, Err(AccessError::NotGrantable { .. })));
        let include = NewRole::new("Y").with_includes(["Big"]);
        let around = club.roles.create(&acting, include).await;
        assert!(matches!(around, Err(AccessError::NotGrantable { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_use_stays() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    let desk = club.role("Desk", &["members:read"], &[]).await;
    let user = club.person("desk").await;
    club.join(user, club.mask_of("Desk").await).await;
    let refused = club.roles.delete(&owner, desk.id.unwrap(), desk.version).await;
    assert!(matches!(refused, Err(AccessError::RoleInUse)));

    let base = club.role("Base", &[], &[]).await;
    club.role("Top", &[], &["Base"]).await;
    let refused = club.roles.delete(&owner, base.id.unwrap(), base.version).await;
    assert!(matches!(refused, Err(AccessError::RoleInUse)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_47_roles_at_most() {
    let club = Club::new().await;
    let owner = club.acting(club.owner).await;
    for n in 0..47 {
        club.roles.create(&owner, NewRole::new(format!("role {n}"))).await.unwrap();
    }
    let refused = club.roles.create(&owner, NewRole::new("one more")).await;
    assert!(matches!(refused, Err(AccessError::TooManyRoles)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_names_who_would_gain_and_lose_and_changes_nothing() {
    let club = Club::new().await;
    let scope = club.scope(club.owner);
    let desk = club.role("Desk", &["members:read", "members:export"], &[]).await;
    club.role("Head", &[], &["Desk"]).await;
    let (desk_mask, head_mask) = (club.mask_of("Desk").await, club.mask_of("Head").await);
    let desk_only = club.member("desk", desk_mask).await;
    let head = club.member("head", head_mask).await;
    let also_member = club.member("both", desk_mask | MEMBER).await;
    club.member("viewer", VIEWER).await;

    let new = NewRole::new("Desk").with_permissions(["members:read", "members:create"]);
    let diff = club.roles.preview(&scope, desk.id.unwrap(), &new).await.unwrap();
    assert_eq!(
        (diff.added, diff.removed),
        (names(&["members:create"]), names(&["members:export"]))
    );
    let sorted = |mut users: Vec<UserId>| {
        users.sort_unstable();
        users
    };
    assert_eq!(sorted(diff.gaining), sorted(vec![desk_only, head]), "one could create already");
    assert_eq!(sorted(diff.losing), sorted(vec![desk_only, head, also_member]));
    assert_eq!(club.roles.get(&scope, desk.id.unwrap()).await.unwrap(), desk);
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
