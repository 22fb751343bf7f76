//! What happens when two do it at once: a thousand times each, on a real server.
//!
//! Beside each race runs the way that looks right and is not: look, then write. It must go wrong in
//! the same harness, or the harness proves nothing.

use saas_core::{RequestId, UserId};
use saas_rbac::{
    AccessError, Acting,
    invitation::{Acceptance, Invitations},
    team::Team,
};
use saas_tenancy::db::ControlTx;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;

use super::{
    club::{ADMIN, Club, MODEL, OWNER},
    invitations::{Limit, invitations},
};

const ROUNDS: u32 = 1_000;

/// Plays so many rounds and counts those that ended in what must not be.
async fn violations(mut round: impl AsyncFnMut() -> bool) -> u32 {
    let mut count = 0;
    for _ in 0..ROUNDS {
        count += u32::from(round().await);
    }
    count
}

/// Plays until what must not be has happened.
async fn is_ever_violated(mut round: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..ROUNDS {
        if round().await {
            return true;
        }
    }
    false
}

/// A club with two owners, and how its people are put back between rounds.
struct Owners {
    club: Club,
    team: Team,
    other: UserId,
    admin: PgConnection,
}

impl Owners {
    async fn new() -> Self {
        let club = Club::new().await;
        let other = club.member("other", OWNER).await;
        let team = Team::new(club.databases().clone(), MODEL, club.clock.clone());
        let mut admin = club.superuser().await;
        let role = sqlx::query("set role saas_admin").execute(&mut admin).await;
        role.unwrap();
        Self { club, team, other, admin }
    }

    async fn put_back(&mut self) {
        sqlx::query(
            "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             select $1, u, 1, now() from unnest($2) u
             on conflict (tenant_id, user_id) do update set role_mask = 1",
        )
        .bind(self.club.tenant.as_uuid())
        .bind([self.club.owner.as_uuid(), self.other.as_uuid()])
        .execute(&mut self.admin)
        .await
        .unwrap();
    }

    async fn has_no_owner(&mut self) -> bool {
        let sql = "select not exists (select from saas_rbac.memberships
                   where tenant_id = $1 and role_mask & 1 <> 0)";
        let query = sqlx::query_scalar(sql).bind(self.club.tenant.as_uuid());
        query.fetch_one(&mut self.admin).await.unwrap()
    }

    fn both(&self) -> (Acting, Acting) {
        (self.club.overrated(self.club.owner), self.club.overrated(self.other))
    }
}

fn is_last_owner(one: &Result<(), AccessError>) -> bool {
    matches!(one, Err(AccessError::LastOwner))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_leave_at_once_one_stays() {
    let mut owners = Owners::new().await;
    let (one, other) = owners.both();
    let violated = violations(async || {
        owners.put_back().await;
        let (a, b) = tokio::join!(owners.team.leave(&one), owners.team.leave(&other));
        let refused = [a, b].iter().filter(|one| is_last_owner(one)).count();
        owners.has_no_owner().await || refused != 1
    })
    .await;
    assert_eq!(violated, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_demote_each_other_one_stays() {
    let mut owners = Owners::new().await;
    let (one, other) = owners.both();
    let (first, second) = (owners.club.owner, owners.other);
    let violated = violations(async || {
        owners.put_back().await;
        let (a, b) = tokio::join!(
            owners.team.change_role(&one, second, "admin"),
            owners.team.change_role(&other, first, "admin"),
        );
        // Whoever comes second is either the last owner's judge, or no owner any more.
        let done = usize::from(a.is_ok()) + usize::from(b.is_ok());
        owners.has_no_owner().await || done != 1
    })
    .await;
    assert_eq!(violated, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_owners_first_leaves_none() {
    async fn leave(club: &Club, user: UserId) {
        let mut tx = club.raw(user).await;
        let sql = "select count(*) from saas_rbac.memberships where role_mask & 1 <> 0";
        let owners: i64 = sqlx::query_scalar(sql).fetch_one(&mut tx).await.unwrap();
        if owners > 1 {
            let sql = "delete from saas_rbac.memberships where user_id = $1";
            sqlx::query(sql).bind(user.as_uuid()).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    let mut owners = Owners::new().await;
    owners
        .club
        .world
        .as_superuser("alter table saas_rbac.memberships disable trigger last_owner")
        .await;
    let (first, second) = (owners.club.owner, owners.other);
    let violated = is_ever_violated(async || {
        owners.put_back().await;
        tokio::join!(leave(&owners.club, first), leave(&owners.club, second));
        owners.has_no_owner().await
    })
    .await;
    assert!(violated, "the harness does not see what it is for");
}

/// A club with an owner and one free seat.
struct OneSeat {
    club: Club,
    all: Invitations,
    admin: PgConnection,
}

impl OneSeat {
    async fn new() -> Self {
        let club = Club::new().await;
        let all = invitations(&club, Limit(2));
        let mut admin = club.superuser().await;
        let role = sqlx::query("set role saas_admin").execute(&mut admin).await;
        role.unwrap();
        Self { club, all, admin }
    }

    async fn empty(&mut self) {
        let delete = sqlx::query("delete from saas_rbac.invitations");
        delete.execute(&mut self.admin).await.unwrap();
    }

    async fn invited(&mut self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from saas_rbac.invitations");
        count.fetch_one(&mut self.admin).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_seat_is_given_once() {
    let mut seat = OneSeat::new().await;
    let owner = seat.club.overrated(seat.club.owner);
    let violated = violations(async || {
        seat.empty().await;
        let (a, b) = tokio::join!(
            seat.all.create(&owner, "a@new.test", "viewer"),
            seat.all.create(&owner, "b@new.test", "viewer"),
        );
        let full = |one| matches!(one, Err(AccessError::SeatLimit { .. }));
        let refused = usize::from(full(a)) + usize::from(full(b));
        seat.invited().await != 1 || refused != 1
    })
    .await;
    assert_eq!(violated, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_seats_without_a_lock_gives_the_last_one_twice() {
    async fn invite(club: &Club, email: &str) {
        let mut tx = club.raw(club.owner).await;
        let sql = "select (select count(*) from saas_rbac.memberships)
                        + (select count(*) from saas_rbac.invitations)";
        let taken: i64 = sqlx::query_scalar(sql).fetch_one(&mut tx).await.unwrap();
        if taken < 2 {
            insert_invitation(&mut tx, club, email).await;
            tx.commit().await.unwrap();
        }
    }
    let mut seat = OneSeat::new().await;
    let violated = is_ever_violated(async || {
        seat.empty().await;
        tokio::join!(invite(&seat.club, "a@new.test"), invite(&seat.club, "b@new.test"));
        seat.invited().await > 1
    })
    .await;
    assert!(violated, "the harness does not see what it is for");
}

async fn insert_invitation(tx: &mut ControlTx, club: &Club, email: &str) {
    sqlx::query(
        "insert into saas_rbac.invitations
             (tenant_id, id, email, role_mask, token_hash, invited_by, created_at, expires_at)
         values ($1, gen_random_uuid(), $2, 8, sha256($2::bytea), $3, now(), now() + interval '1 day')",
    )
    .bind(club.tenant.as_uuid())
    .bind(email)
    .bind(club.owner.as_uuid())
    .execute(tx)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_taken_once() {
    let club = Club::new().await;
    let all = invitations(&club, Limit(100));
    let ada = club.person("ada").await;
    let owner = club.overrated(club.owner);
    let mut admin = club.superuser().await;
    let leave =
        format!("set role saas_admin; delete from saas_rbac.memberships where user_id = '{ada}'");
    let accept = async |token: &SecretString| {
        let request = RequestId::generate(&club.clock);
        all.accept(token.expose_secret(), Acceptance::Existing(ada), request).await
    };
    let violated = violations(async || {
        let leave = sqlx::AssertSqlSafe(leave.clone());
        sqlx::raw_sql(leave).execute(&mut admin).await.unwrap();
        let sent = all.create(&owner, "ada@acme.test", "admin").await.unwrap();
        let (a, b) = tokio::join!(accept(&sent.token), accept(&sent.token));
        let used = |one| matches!(one, Err(AccessError::TokenUsed));
        let (won, refused) = (usize::from(a.is_ok()) + usize::from(b.is_ok()), used(a) || used(b));
        won != 1 || !refused
    })
    .await;
    assert_eq!(violated, 0);
    let member = club.authorizer().member(club.tenant, ada).await.unwrap().unwrap();
    assert_eq!(member.role_mask(), ADMIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_an_invitation_first_lets_two_take_it() {
    async fn take(club: &Club) -> bool {
        let mut tx = club.databases().identity().await.unwrap();
        let sql = "select accepted_at is null from saas_rbac.invitations";
        let open: bool = sqlx::query_scalar(sql).fetch_one(&mut tx).await.unwrap();
        if open {
            let sql = "update saas_rbac.invitations set accepted_at = now()";
            sqlx::query(sql).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        open
    }
    let mut seat = OneSeat::new().await;
    let violated = is_ever_violated(async || {
        seat.empty().await;
        let mut tx = seat.club.raw(seat.club.owner).await;
        insert_invitation(&mut tx, &seat.club, "ada@new.test").await;
        tx.commit().await.unwrap();
        let (a, b) = tokio::join!(take(&seat.club), take(&seat.club));
        a && b
    })
    .await;
    assert!(violated, "the harness does not see what it is for");
}
