use saas_core::{SessionId, UserId};
use saas_rbac::{AccessError, team::Team};

use super::club::{ADMIN, Club, MEMBER, MODEL, OWNER, VIEWER};

fn team(club: &Club) -> Team {
    Team::new(club.databases().clone(), MODEL, club.clock.clone())
}

async fn roles_of(club: &Club, user: UserId) -> Vec<String> {
    let team = team(club).list(&club.scope(club.owner)).await.unwrap();
    team.into_iter().find(|one| one.user == user).map(|one| one.roles).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_is_listed_with_names_and_roles() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN | VIEWER).await;
    club.person("stranger").await;
    let listed = team(&club).list(&club.scope(admin)).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|one| (one.user, one.email.as_str())).collect();
    assert_eq!(shown, [(admin, "admin@acme.test"), (club.owner, "owner@acme.test")]);
    assert_eq!(listed[0].roles, ["admin", "viewer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_runs_the_team_below_owners() {
    let club = Club::new().await;
    let team = team(&club);
    let admin = club.member("admin", ADMIN).await;
    let user = club.member("user", VIEWER).await;
    team.change_role(&club.acting(admin).await, user, "member").await.unwrap();
    assert_eq!(roles_of(&club, user).await, ["member"]);
    team.remove(&club.acting(admin).await, user).await.unwrap();
    assert!(roles_of(&club, user).await.is_empty());

    let other = club.member("other", MEMBER).await;
    for acting in [club.acting(admin).await, club.overrated(admin)] {
        for refused in [
            team.change_role(&acting, other, "owner").await,
            team.change_role(&acting, club.owner, "member").await,
            team.change_role(&acting, admin, "owner").await,
            team.remove(&acting, club.owner).await,
        ] {
            let error = refused.unwrap_err();
            assert!(
                matches!(error, AccessError::NotGrantable { .. } | AccessError::OwnersOnly),
                "{error}"
            );
        }
    }
    assert_eq!(roles_of(&club, club.owner).await, ["owner"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_permissions_do_not_make_an_owner() {
    let club = Club::new().await;
    club.role("Everything", &["*"], &[]).await;
    let almost = club.member("almost", club.mask_of("Everything").await).await;
    let acting = club.acting(almost).await;
    let user = club.member("user", VIEWER).await;
    let refused = team(&club).change_role(&acting, user, "owner").await;
    assert!(matches!(refused, Err(AccessError::OwnersOnly)));
    let refused = team(&club).remove(&acting, club.owner).await;
    assert!(matches!(refused, Err(AccessError::OwnersOnly)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_little_changes_nobody() {
    let club = Club::new().await;
    let (member, other) = (club.member("a", MEMBER).await, club.member("b", MEMBER).await);
    let admin = club.member("admin", ADMIN).await;
    let acting = club.acting(member).await;
    for (user, role) in [(other, "admin"), (admin, "member"), (member, "admin")] {
        let refused = team(&club).change_role(&acting, user, role).await;
        assert!(matches!(refused, Err(AccessError::NotGrantable { .. })), "{role}");
    }
    // To hold less is one's own to decide.
    team(&club).change_role(&acting, member, "viewer").await.unwrap();
    let back = team(&club).change_role(&club.acting(member).await, member, "member").await;
    assert!(matches!(back, Err(AccessError::NotGrantable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let club = Club::new().await;
    let team = team(&club);
    let owner = club.acting(club.owner).await;
    for refused in [
        team.leave(&owner).await,
        team.change_role(&owner, club.owner, "admin").await,
        team.remove(&owner, club.owner).await,
    ] {
        assert!(matches!(refused, Err(AccessError::LastOwner)), "{refused:?}");
    }
    club.member("second", OWNER).await;
    team.leave(&owner).await.unwrap();
    assert!(roles_of(&club, club.owner).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_moves_in_one_step() {
    let club = Club::new().await;
    let team = team(&club);
    let heir = club.member("heir", VIEWER).await;
    let admin = club.member("admin", ADMIN).await;
    let refused = team.transfer_ownership(&club.acting(admin).await, heir, "admin").await;
    assert!(matches!(refused, Err(AccessError::OwnersOnly)));
    let owner = club.acting(club.owner).await;
    let refused = team.transfer_ownership(&owner, club.owner, "admin").await;
    assert!(matches!(refused, Err(AccessError::Invalid { .. })));
    let stranger = club.person("stranger").await;
    let refused = team.transfer_ownership(&owner, stranger, "admin").await;
    assert!(matches!(refused, Err(AccessError::NotFound(_))));

    team.transfer_ownership(&owner, heir, "admin").await.unwrap();
    assert_eq!(roles_of(&club, heir).await, ["owner"]);
    let team_now = team.list(&club.scope(heir)).await.unwrap();
    let old = team_now.iter().find(|one| one.user == club.owner).unwrap();
    assert_eq!(old.roles, ["admin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_out_at_once() {
    let club = Club::new().await;
    let user = club.member("user", MEMBER).await;
    let here = session(&club, user, true).await;
    let elsewhere = session(&club, user, false).await;
    team(&club).remove(&club.acting(club.owner).await, user).await.unwrap();
    assert!(is_revoked(&club, here).await);
    assert!(!is_revoked(&club, elsewhere).await, "other tenants are none of this one's business");
}

async fn session(club: &Club, user: UserId, of_tenant: bool) -> SessionId {
    let id = SessionId::generate(&club.clock);
    let mut tx = club.databases().identity().await.unwrap();
    sqlx::query(
        "insert into saas_rbac.sessions (id, user_id, tenant_id, kind, created_at,
             authenticated_at, last_seen_at, idle_until, expires_at)
         values ($1, $2, $3, 'token', $4, $4, $4, $4, $4)",
    )
    .bind(id.as_uuid())
    .bind(user.as_uuid())
    .bind(of_tenant.then(|| club.tenant.as_uuid()))
    .bind(club.now())
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn is_revoked(club: &Club, session: SessionId) -> bool {
    let sql = "select revoked_at is not null from saas_rbac.sessions where id = $1";
    let query = sqlx::query_scalar(sql).bind(session.as_uuid());
    query.fetch_one(&mut club.superuser().await).await.unwrap()
}
