//! Which role passes which route, as it was agreed.

use std::{env, fs, path::Path};

use membership::{access::ROLES, app};

/// Set to anything, the file is written anew: look at what changed before it is committed.
const RENEW: &str = "MEMBERSHIP_RENEW_GOLDEN";

#[test]
fn the_rules_of_all_routes_are_those_of_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/route_matrix.txt");
    let now = app::rules().unwrap().matrix(&ROLES).to_string();
    if env::var_os(RENEW).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let agreed = fs::read_to_string(&path).unwrap_or_default();
    let added: Vec<_> = now.lines().filter(|line| !agreed.contains(line)).collect();
    let gone: Vec<_> = agreed.lines().filter(|line| !now.contains(line)).collect();
    assert_eq!(
        now, agreed,
        "now {added:#?}, agreed {gone:#?}; if this is meant, run the test with `{RENEW}=1`"
    );
}
