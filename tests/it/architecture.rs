//! Who may know whom, and what is deliberately absent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every edge between the workspace's packages, tests and benches left out.
const EDGES: [(&str, &[&str]); 7] = [
    ("saas-core", &[]),
    ("saas-tenancy", &["saas-core"]),
    ("saas-rbac", &["saas-core", "saas-tenancy"]),
    ("membership", &["saas-core", "saas-rbac", "saas-tenancy"]),
    ("notes", &["saas-core", "saas-tenancy"]),
    ("saas-tests", &["saas-core", "saas-tenancy"]),
    ("xtask", &[]),
];

/// The crates that applications add.
const LIBRARIES: [&str; 3] = ["saas-core", "saas-tenancy", "saas-rbac"];

/// What libraries must not need: whoever adds them has chosen these already.
const NOT_IN_LIBRARIES: [&str; 4] = ["axum", "tower", "tower-http", "tracing-subscriber"];

#[test]
fn packages_know_exactly_the_packages_below_them() {
    let found = dependencies();
    let expected: BTreeMap<_, BTreeSet<_>> = EDGES
        .iter()
        .map(|(name, on)| ((*name).to_owned(), on.iter().map(|one| (*one).to_owned()).collect()))
        .collect();
    let ours: BTreeSet<_> = expected.keys().cloned().collect();
    let found: BTreeMap<_, BTreeSet<_>> = found
        .into_iter()
        .map(|(name, on)| (name, on.intersection(&ours).cloned().collect()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn core_has_no_sql() {
    let dependencies = dependencies();
    assert!(!dependencies["saas-core"].contains("sqlx"), "saas-core must not depend on sqlx");
}

#[test]
fn libraries_do_not_need_the_whole_framework() {
    let dependencies = dependencies();
    for library in LIBRARIES {
        for name in NOT_IN_LIBRARIES {
            assert!(!dependencies[library].contains(name), "{library} must not depend on {name}");
        }
    }
}

/// The lints refuse these, too; this sees what an `expect` lets through.
#[test]
fn only_the_modules_named_here_touch_connections() {
    let allowed = ["db", "migrate", "provision", "check", "store"];
    for file in sources(&root().join("saas-tenancy/src")) {
        let text = fs::read_to_string(&file).unwrap();
        let module = file.strip_prefix(root().join("saas-tenancy/src")).unwrap();
        let module = module.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        let is_test = file.components().any(|part| part.as_os_str() == "tests");
        if text.contains("clippy::disallowed_types") && !is_test {
            assert!(allowed.contains(&module.as_str()), "{} must not", file.display());
        }
    }
}

#[test]
fn nothing_reads_the_machines_clock_but_the_clock() {
    for file in ["saas-core/src", "saas-tenancy/src", "saas-rbac/src", "examples/membership/src"]
        .iter()
        .flat_map(|dir| sources(&root().join(dir)))
        .filter(|file| !file.ends_with("saas-core/src/clock.rs"))
    {
        let text = fs::read_to_string(&file).unwrap();
        for call in ["SystemTime::now", "Utc::now", "Local::now", "now_v7"] {
            assert!(!text.contains(call), "{} calls `{call}`; take a `Clock`", file.display());
        }
    }
}

#[test]
fn modules_of_a_library_do_not_know_each_other_in_a_circle() {
    for library in LIBRARIES {
        let mut known = module_edges(&root().join(library).join("src"));
        // A module that knows none of those that are left is in no circle.
        while let Some(leaf) = known.iter().find_map(|(name, on)| {
            on.iter().all(|one| one == name || !known.contains_key(one)).then(|| name.clone())
        }) {
            known.remove(&leaf);
        }
        assert!(known.is_empty(), "{library} has a circle among {:?}", known.keys());
    }
}

/// Which top-level modules each top-level module names in its code, docs and tests left out.
fn module_edges(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources(src) {
        let inner = file.strip_prefix(src).unwrap().to_str().unwrap();
        if inner == "lib.rs" || inner.contains("tests") {
            continue;
        }
        let module = inner.split(['/', '.']).next().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: String = code.lines().filter(|line| !line.trim().starts_with("//")).collect();
        let on = edges.entry(module).or_default();
        for part in code.split("crate::").skip(1) {
            match part.strip_prefix('{') {
                Some(group) => on.extend(top_level_names(group)),
                None => on.extend(first_name(part)),
            }
        }
    }
    let modules: BTreeSet<_> = edges.keys().cloned().collect();
    edges.values_mut().for_each(|on| on.retain(|one| modules.contains(one)));
    edges
}

/// The first name of each member of a `use` group whose opening brace was read.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.extend(first_name(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(text[..end].to_owned())
}

/// The direct dependencies of every package of the workspace, without those for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let on = package["dependencies"].as_array().unwrap().iter();
            let on = on.filter(|one| one["kind"].is_null()).map(|one| text(&one["name"]));
            (text(&package["name"]), on.collect())
        })
        .collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
