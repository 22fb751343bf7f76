//! Nobody gets by any sequence of changes what nobody who made them held.
//!
//! Random people of a club do random things: through the crate, through the crate while it believes
//! them to be allowed everything, and by raw SQL. After each step, whatever person or role has gained
//! or lost something has gained or lost only what the one who acted held before.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_oneof,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use saas_core::{RequestId, UserId, permission::PermissionSet};
use saas_rbac::{
    AccessError, Acting,
    invitation::{Acceptance, Unlimited},
    role::NewRole,
    team::Team,
};
use secrecy::ExposeSecret;
use sqlx::AssertSqlSafe;

use super::{
    club::{ADMIN, CATALOGUE, Club, MEMBER, MODEL, VIEWER},
    invitations::invitations,
};

/// How many sequences, and how long each is at most.
const SEQUENCES: u32 = 24;
const STEPS: usize = 24;

/// Names of roles that steps speak of: fixed ones, and those that steps make.
const ROLES: [&str; 7] = ["owner", "admin", "member", "viewer", "A", "B", "C"];

/// What somebody does. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    MakeRole { name: usize, permissions: u16, includes: u8 },
    ChangeRole { name: usize, permissions: u16, includes: u8 },
    DeleteRole { name: usize },
    Give { to: usize, role: usize },
    Remove { whom: usize },
    Invite { whom: usize, role: usize },
    Transfer { to: usize, then: usize },
    RawMask { of: usize, mask: i64 },
    RawRole { name: usize, permissions: u16, includes: i64 },
    RawDenied { of: usize },
}

/// How much the crate knows of the one who acts.
#[derive(Debug, Clone, Copy)]
enum Belief {
    /// What they may do.
    True,
    /// Everything: only the database is left to refuse.
    Everything,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Belief, Step)>> {
    let own = 4..7_usize;
    let masks = prop_oneof![0..16_i64, Just(1 << 16), Just(3 << 16), any::<i64>()];
    // Mostly none: a role that is not there yet cannot be included.
    let includes = prop_oneof![4 => Just(0_u8), 2 => 0..16_u8, 1 => any::<u8>()];
    let step = prop_oneof![
        (own.clone(), any::<u16>(), includes.clone()).prop_map(|(name, permissions, includes)| {
            Step::MakeRole { name, permissions, includes }
        }),
        (own.clone(), any::<u16>(), includes).prop_map(|(name, permissions, includes)| {
            Step::ChangeRole { name, permissions, includes }
        }),
        own.clone().prop_map(|name| Step::DeleteRole { name }),
        (0..5_usize, 0..7_usize).prop_map(|(to, role)| Step::Give { to, role }),
        (0..5_usize).prop_map(|whom| Step::Remove { whom }),
        (0..5_usize, 0..7_usize).prop_map(|(whom, role)| Step::Invite { whom, role }),
        (0..5_usize, 0..7_usize).prop_map(|(to, then)| Step::Transfer { to, then }),
        (0..5_usize, masks.clone()).prop_map(|(of, mask)| Step::RawMask { of, mask }),
        (own, any::<u16>(), masks).prop_map(|(name, permissions, includes)| Step::RawRole {
            name,
            permissions,
            includes
        }),
        (0..5_usize).prop_map(|of| Step::RawDenied { of }),
    ];
    let belief = prop_oneof![Just(Belief::True), Just(Belief::Everything)];
    vec((0..5_usize, belief, step), 1..STEPS)
}

/// The people of a club, by number: owner, admin, member, viewer, and one outside.
struct Players {
    club: Club,
    people: [UserId; 5],
    emails: [String; 5],
}

/// What everybody may do and who owns, and what the tenant's roles give.
struct State {
    people: BTreeMap<UserId, (PermissionSet, bool)>,
    roles: BTreeMap<String, PermissionSet>,
}

impl Players {
    async fn new(first: &Club, number: u32) -> Self {
        let club = first.beside(&format!("club-{number}")).await;
        let names =
            ["", "admin", "member", "viewer", "outside"].map(|name| format!("{name}{number}"));
        let admin = club.member(&names[1], ADMIN).await;
        let member = club.member(&names[2], MEMBER).await;
        let viewer = club.member(&names[3], VIEWER).await;
        let outside = club.person(&names[4]).await;
        let people = [club.owner, admin, member, viewer, outside];
        let mut emails = names.map(|name| format!("{name}@acme.test"));
        emails[0] = format!("owner@club-{number}.test");
        Self { club, people, emails }
    }

    async fn state(&self) -> State {
        let authorizer = self.club.authorizer();
        let mut people = BTreeMap::new();
        for user in self.people {
            let member = authorizer.member(self.club.tenant, user).await.unwrap();
            let held = member.as_ref().map(|it| it.permissions().difference(it.denied()));
            let owns = member.is_some_and(|it| it.role_mask() & 1 != 0);
            people.insert(user, (held.unwrap_or_default(), owns));
        }
        let roles = self.club.roles.list(&self.club.scope(self.club.owner)).await.unwrap();
        let roles = roles.into_iter().map(|role| (role.name, role.gives)).collect();
        State { people, roles }
    }

    async fn play(&self, by: UserId, belief: Belief, step: &Step) -> Result<(), AccessError> {
        let acting = match belief {
            Belief::True => self.club.acting(by).await,
            Belief::Everything => self.club.overrated(by),
        };
        match step {
            Step::MakeRole { .. } | Step::ChangeRole { .. } | Step::DeleteRole { .. } => {
                Box::pin(self.play_role(&acting, step)).await
            }
            Step::RawMask { .. } | Step::RawRole { .. } | Step::RawDenied { .. } => {
                self.play_raw(by, step).await;
                Ok(())
            }
            _ => Box::pin(self.play_team(&acting, step)).await,
        }
    }

    async fn play_role(&self, acting: &Acting, step: &Step) -> Result<(), AccessError> {
        let roles = &self.club.roles;
        let known = roles.list(acting.scope()).await?;
        let find = |name: usize| {
            let role = known.iter().find(|role| role.name == ROLES[name]);
            role.and_then(|role| Some((role.id?, role.version)))
        };
        match *step {
            Step::MakeRole { name, permissions, includes } => {
                roles.create(acting, new_role(name, permissions, includes)).await.map(drop)
            }
            Step::ChangeRole { name, permissions, includes } => match find(name) {
                Some((id, version)) => {
                    let new = new_role(name, permissions, includes);
                    roles.update(acting, id, new, version).await.map(drop)
                }
                None => Ok(()),
            },
            Step::DeleteRole { name } => match find(name) {
                Some((id, version)) => roles.delete(acting, id, version).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn play_team(&self, acting: &Acting, step: &Step) -> Result<(), AccessError> {
        let team = Team::new(self.club.databases().clone(), MODEL, self.club.clock.clone());
        match *step {
            Step::Give { to, role } => team.change_role(acting, self.people[to], ROLES[role]).await,
            Step::Remove { whom } => team.remove(acting, self.people[whom]).await,
            Step::Transfer { to, then } => {
                team.transfer_ownership(acting, self.people[to], ROLES[then]).await
            }
            Step::Invite { whom, role } => {
                let all = invitations(&self.club, Unlimited);
                let sent = all.create(acting, &self.emails[whom], ROLES[role]).await?;
                let who = Acceptance::Existing(self.people[whom]);
                let request = RequestId::generate(&self.club.clock);
                all.accept(sent.token.expose_secret(), who, request).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Raw SQL is mostly refused, and that is all that is asked of it.
    async fn play_raw(&self, by: UserId, step: &Step) {
        let sql = match *step {
            Step::RawMask { of, mask } => {
                let user = self.people[of];
                format!(
                    "update saas_rbac.memberships set role_mask = {mask} where user_id = '{user}'"
                )
            }
            Step::RawRole { name, permissions, includes } => {
                let (names, name) = (chosen(permissions).join("','"), ROLES[name]);
                let names = if names.is_empty() { String::new() } else { format!("'{names}'") };
                format!(
                    "update saas_rbac.roles
                     set permissions = array[{names}]::text[], includes = {includes}
                     where name = '{name}'"
                )
            }
            Step::RawDenied { of } => {
                let user = self.people[of];
                format!(
                    "update saas_rbac.memberships set denied = ~denied where user_id = '{user}'"
                )
            }
            _ => return,
        };
        let mut tx = self.club.raw(by).await;
        if sqlx::query(AssertSqlSafe(sql)).execute(&mut tx).await.is_ok() {
            // The last owner is kept at the end.
            drop(tx.commit().await);
        }
    }
}

fn chosen(permissions: u16) -> Vec<&'static str> {
    let all = CATALOGUE.iter().enumerate();
    all.filter(|(n, _)| permissions >> n & 1 == 1).map(|(_, one)| one.name).collect()
}

fn new_role(name: usize, permissions: u16, includes: u8) -> NewRole {
    let included = (0..7).filter(|role| includes >> role & 1 == 1).map(|role| ROLES[role]);
    NewRole::new(ROLES[name]).with_permissions(chosen(permissions)).with_includes(included)
}

/// Whoever has changed has changed by what the actor held, and owners by an owner's hand.
fn check(by: UserId, before: &State, after: &State) -> Result<(), String> {
    let (held, owned) = before.people[&by];
    for (user, (now, owns)) in &after.people {
        let (was, did_own) = before.people[user];
        let gained = now.difference(was);
        if !held.contains_all(gained) {
            return Err(format!("{user} gained {gained:?} from one who held {held:?}"));
        }
        let lost = was.difference(*now);
        if *user != by && !held.contains_all(lost) {
            return Err(format!("{user} lost {lost:?} to one who held {held:?}"));
        }
        if *owns != did_own && !owned {
            return Err(format!("{user} became or ceased to be an owner by one who is none"));
        }
    }
    for name in before.roles.keys().chain(after.roles.keys()) {
        let gives = |state: &State| state.roles.get(name).copied().unwrap_or_default();
        let (was, now) = (gives(before), gives(after));
        let changed = was.difference(now).union(now.difference(was));
        if !held.contains_all(changed) {
            return Err(format!("{name} changed by {changed:?} through one who held {held:?}"));
        }
    }
    let is_owned = after.people.values().any(|(_, owns)| *owns);
    if is_owned { Ok(()) } else { Err("nobody owns it".to_owned()) }
}

#[test]
fn nobody_ever_gains_what_the_one_who_acted_did_not_hold() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let first = runtime.block_on(Club::new());
    let config = Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut number, mut done, mut refused) = (0, 0, 0);
    let counts = std::cell::RefCell::new((&mut number, &mut done, &mut refused));
    let result = TestRunner::new_with_rng(config, rng).run(&steps(), |sequence| {
        let mut counts = counts.borrow_mut();
        *counts.0 += 1;
        runtime.block_on(async {
            let players = Players::new(&first, *counts.0).await;
            let mut before = players.state().await;
            for (by, belief, step) in &sequence {
                let by = players.people[*by];
                match players.play(by, *belief, step).await {
                    Ok(()) => *counts.1 += 1,
                    Err(AccessError::Database(error)) => {
                        return Err(TestCaseError::fail(format!("{step:?}: {error}")));
                    }
                    Err(_) => *counts.2 += 1,
                }
                let after = players.state().await;
                check(by, &before, &after)
                    .map_err(|why| TestCaseError::fail(format!("{step:?} as {belief:?}: {why}")))?;
                before = after;
            }
            Ok(())
        })
    });
    result.unwrap();
    assert!(done > 50 && refused > 50, "{done} done and {refused} refused prove little");
}
