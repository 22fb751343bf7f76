//! Reading the log: newest first, page by page, filtered.

use saas_core::{
    Actor, AuditEntry,
    audit::{Action, Outcome, Target},
};
use saas_tenancy::{
    Isolation,
    audit::{AuditError, Cursor, Filter, LONGEST_PAGE, append},
};

use super::World;

#[tokio::test]
async fn pages_follow_each_other_newest_first_without_gaps() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let ids: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        world.write(&tenant, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut db = world.open(&tenant);
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = world.log.list(&mut db, &Filter::new(), after, 3).await.unwrap();
            seen.extend(page.entries.into_iter().map(|entry| entry.target.id));
            pages += 1;
            // A client hands the cursor back as text.
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse::<Cursor>().unwrap());
        }
        let newest_first: Vec<_> = ids.into_iter().rev().collect();
        assert_eq!((seen, pages), (newest_first, 3), "{isolation}");
    }
}

#[tokio::test]
async fn entries_of_one_moment_are_neither_repeated_nor_lost() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let mut tx = db.begin().await.unwrap();
    let first = world.entry(tx.scope(), "0");
    for _ in 0..5 {
        let mut entry = world.entry(tx.scope(), "0");
        entry.occurred_at = first.occurred_at;
        append(&mut tx, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut ids, mut after) = (std::collections::BTreeSet::new(), None);
    for _ in 0..5 {
        let page = world.log.list(&mut db, &Filter::new(), after, 1).await.unwrap();
        ids.insert(page.entries[0].id);
        after = page.next;
    }
    assert_eq!((ids.len(), after), (5, None));
}

#[tokio::test]
async fn each_filter_lets_through_what_it_says() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let other = Actor::system("import");
    let mut made: Vec<AuditEntry> = Vec::new();
    for (actor, action, kind, id, outcome) in [
        (Actor::Anonymous, "member.create", "member", "1", Outcome::Success),
        (other.clone(), "member.create", "member", "2", Outcome::Success),
        (Actor::Anonymous, "role.update", "role", "1", Outcome::Refused),
    ] {
        let scope = db.scope().clone().acting_as(actor);
        let action: Action = action.parse().unwrap();
        let entry = AuditEntry::new(&scope, action, Target::new(kind, id), &world.clock);
        let entry = if outcome == Outcome::Refused { entry.refused("no right") } else { entry };
        world.log.refused(&tenant, &entry).await.unwrap();
        made.push(entry);
    }
    let second = made[1].occurred_at;
    for (filter, expected) in [
        (Filter::new(), vec![2, 1, 0]),
        (Filter::new().by_actor(&other), vec![1]),
        (Filter::new().of_action("member"), vec![1, 0]),
        (Filter::new().of_action("member.create"), vec![1, 0]),
        (Filter::new().of_action("%"), vec![]),
        (Filter::new().on_kind("role"), vec![2]),
        (Filter::new().on_id("1"), vec![2, 0]),
        (Filter::new().on_kind("member").on_id("1"), vec![0]),
        (Filter::new().ended(Outcome::Refused), vec![2]),
        (Filter::new().since(second), vec![2, 1]),
        (Filter::new().until(second), vec![0]),
    ] {
        let page = world.log.list(&mut db, &filter, None, 10).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|at: usize| made[at].clone()).collect();
        assert_eq!(page.entries, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_has_a_limit_whatever_is_asked_for() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let mut tx = db.begin().await.unwrap();
    for _ in 0..=LONGEST_PAGE {
        let entry = world.entry(tx.scope(), "1");
        append(&mut tx, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let longest = usize::try_from(LONGEST_PAGE).unwrap();
    for (asked, given) in [(u32::MAX, longest), (0, 1)] {
        let page = world.log.list(&mut db, &Filter::new(), None, asked).await.unwrap();
        assert_eq!((page.entries.len(), page.next.is_some()), (given, true));
    }
    assert!(matches!("x".parse::<Cursor>(), Err(AuditError::BadCursor)));
}
