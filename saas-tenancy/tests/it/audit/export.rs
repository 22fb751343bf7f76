//! A log in a file: checked without a database, safe in a spreadsheet.

use saas_tenancy::{
    Isolation, ResolvedTenant,
    audit::{Bad, CheckpointKey, Format, Range, Why, append, verify_export},
};

use super::World;

/// Five entries, signed at the third and the last, as lines of an export.
async fn exported(world: &World, tenant: &ResolvedTenant) -> Vec<String> {
    world.write(tenant, &["1", "2", "3"]).await;
    world.seal(tenant, 3).await;
    world.log.checkpoint_now(&mut world.open(tenant)).await.unwrap();
    world.write(tenant, &["4", "5"]).await;
    world.seal(tenant, 5).await;
    world.log.checkpoint_now(&mut world.open(tenant)).await.unwrap();
    let text = export(world, tenant, Range::all(), Format::JsonLines).await;
    text.split_inclusive('\n').map(str::to_owned).collect()
}

async fn export(world: &World, tenant: &ResolvedTenant, range: Range, format: Format) -> String {
    let mut text = Vec::new();
    world.log.export(&mut world.open(tenant), range, format, &mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

fn first_bad(world: &World, lines: &[String]) -> Option<Bad> {
    verify_export(lines.concat().as_bytes(), &world.public).unwrap().first_bad
}

#[tokio::test]
async fn an_export_is_verified_with_the_public_key_alone() {
    let world = World::new().await;
    for isolation in Isolation::ALL {
        let tenant = world.tenant(isolation.as_str(), isolation).await;
        let lines = exported(&world, &tenant).await;
        let verdict = verify_export(lines.concat().as_bytes(), &world.public).unwrap();
        assert_eq!((verdict.checked, verdict.through_checkpoint), (5, Some(5)), "{isolation}");
        assert_eq!(verdict.first_bad, None);
        let other = CheckpointKey::generate().unwrap().public();
        let bad = verify_export(lines.concat().as_bytes(), &other).unwrap().first_bad.unwrap();
        assert_eq!(bad.why, Why::BadSignature);
    }
}

#[tokio::test]
async fn every_falsified_export_is_found_with_its_first_bad_entry() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    // The head, two checkpoints, then entry 1 in line 3 and so on.
    let lines = exported(&world, &tenant).await;
    assert_eq!(lines.len(), 8);
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        let bad = first_bad(&world, &lines).unwrap();
        (bad.seq, bad.why)
    };
    let edit = |lines: &mut Vec<String>| lines[5] = lines[5].replace("note.write", "note.wrote");
    assert_eq!(changed(&edit), (3, Why::Edited));
    assert_eq!(changed(&|lines| drop(lines.remove(4))), (2, Why::NoSeal));
    assert_eq!(changed(&|lines| lines.swap(4, 5)), (2, Why::NoSeal));
    assert_eq!(changed(&|lines| lines.truncate(6)), (4, Why::CutOff));
    let again = |lines: &mut Vec<String>| lines.insert(4, lines[3].clone());
    assert_eq!(changed(&again), (2, Why::NoSeal));
    let forge = |lines: &mut Vec<String>| lines[2] = lines[2].replace("\"seq\":5", "\"seq\":4");
    assert_eq!(changed(&forge), (4, Why::BadSignature));
    // Without its checkpoints a cut export is whole, and says that nothing vouches for its end.
    let bare: Vec<_> = [&lines[..1], &lines[3..6]].concat();
    let verdict = verify_export(bare.concat().as_bytes(), &world.public).unwrap();
    assert_eq!((verdict.is_sound(), verdict.through_checkpoint), (true, None));
}

#[tokio::test]
async fn an_export_of_some_time_begins_in_the_middle() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let lines = exported(&world, &tenant).await;
    let fourth: serde_json::Value = serde_json::from_str(&lines[6]).unwrap();
    let from = fourth["entry"]["occurred_at"].as_str().unwrap().parse().unwrap();
    let range = Range::between(from, world.clock.now());
    let text = export(&world, &tenant, range, Format::JsonLines).await;
    let verdict = verify_export(text.as_bytes(), &world.public).unwrap();
    assert_eq!((verdict.checked, verdict.through_checkpoint), (2, Some(5)), "{text}");
    assert!(verdict.is_sound());
}

#[tokio::test]
async fn a_table_starts_no_formula() {
    let world = World::new().await;
    let tenant = world.tenant("acme", Isolation::Shared).await;
    let mut db = world.open(&tenant);
    let mut tx = db.begin().await.unwrap();
    let entry = world.entry(tx.scope(), "=cmd|' /C calc'!A0").because("a \"reason\", with\nlines");
    append(&mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    world.seal(&tenant, 1).await;
    let text = export(&world, &tenant, Range::all(), Format::Csv).await;
    assert!(text.starts_with("number,id,occurred_at,actor,"), "{text}");
    assert!(text.contains(",\"'=cmd|' /C calc'!A0\","), "{text}");
    assert!(text.contains(",\"a \"\"reason\"\", with lines\","), "{text}");
    assert_eq!(text.lines().count(), 2);
}
