//! `docs/src/asvs.md` says what is done about a requirement and names the tests that show it. Each of
//! them has to be there, and a requirement that is met has at least one.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../../docs/src/asvs.md");

/// What the second column may say, and whether a test has to show it.
const ANSWERS: [(&str, Shown); 6] = [
    ("yes", Shown::ByTests),
    ("partly", Shown::ByTests),
    ("no", Shown::ByNothing),
    ("page", Shown::ByNothing),
    ("yours", Shown::ByNothing),
    ("n/a", Shown::ByNothing),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    ByTests,
    ByNothing,
}

/// A row: a requirement, whether it is met, and the tests that show it.
#[derive(Debug)]
struct Row<'a> {
    requirement: &'a str,
    answer: &'a str,
    tests: Vec<&'a str>,
}

/// The rows of all tables whose first cell is the number of a requirement.
fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
    let [requirement, answer, .., tests] = cells[..] else { return None };
    let is_number = requirement.split('.').all(|part| part.parse::<u8>().is_ok());
    // Every second part of a cell stands between backticks.
    let tests = tests.split('`').skip(1).step_by(2).collect();
    is_number.then_some(Row { requirement, answer, tests })
}

/// What is wrong with the rows, given the tests that there are.
fn faults(rows: &[Row<'_>], there: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for Row { requirement, answer, tests } in rows {
        if !seen.insert(*requirement) {
            faults.push(format!("{requirement} stands there twice"));
        }
        match ANSWERS.iter().find(|(word, _)| word == answer) {
            None => faults.push(format!("{requirement}: `{answer}` is no answer")),
            Some((_, Shown::ByTests)) if tests.is_empty() => {
                faults.push(format!("{requirement} is met, and no test shows it"));
            }
            Some((_, Shown::ByNothing)) if !tests.is_empty() => {
                faults.push(format!("{requirement} is not met, and tests are said to show it"));
            }
            Some(_) => {}
        }
        let missing = tests.iter().filter(|test| !there.contains(**test));
        faults.extend(missing.map(|test| format!("{requirement}: there is no test `{test}`")));
    }
    faults
}

/// The names of all test functions below `directory`.
fn tests_below(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            tests_below(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_in(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The functions that follow a `#[test]` of any kind, with other attributes between.
fn tests_in(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim_start) {
        let attribute = line.strip_prefix("#[").and_then(|rest| rest.split([']', '(']).next());
        if let Some(attribute) = attribute {
            is_test |= attribute == "test" || attribute.ends_with("::test");
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let (true, Some(function)) = (is_test, function) {
            names.extend(function.split('(').next().map(str::to_owned));
        }
        is_test = false;
    }
    names
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut there = BTreeSet::new();
    tests_below(&root, &mut there);
    let rows = rows(PAGE);
    assert!(rows.len() > 100, "only {} rows were read", rows.len());
    let faults = faults(&rows, &there);
    assert!(faults.is_empty(), "`docs/src/asvs.md` is not true:\n  {}", faults.join("\n  "));
}

#[test]
fn what_a_page_says_without_a_test_is_found() {
    let source = "#[tokio::test]\n#[cfg(unix)]\nasync fn a_door_is_shut() {}\nfn open() {}\n";
    let there: BTreeSet<_> = tests_in(source).into_iter().collect();
    assert_eq!(there, ["a_door_is_shut".to_owned()].into());
    let said = |rest: &str| {
        let line = format!("| 1.2.3 | {rest} |");
        let faults = faults(&rows(&line), &there);
        faults.into_iter().next().unwrap_or_default()
    };
    assert_eq!(said("yes | shut | `a_door_is_shut`"), "");
    assert_eq!(said("no | open | –"), "");
    assert!(said("yes | shut | `open`").contains("no test `open`"));
    assert!(said("yes | shut | –").contains("no test shows it"));
    assert!(said("no | open | `a_door_is_shut`").contains("not met"));
    assert!(said("perhaps | ajar | `a_door_is_shut`").contains("no answer"));
    let twice = "| 1.2.3 | no | open | – |\n| 1.2.3 | no | open | – |\n";
    assert!(faults(&rows(twice), &there)[0].contains("twice"));
}
