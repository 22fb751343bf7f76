//! Code on the pages: compiled where it stands, or included from where it is compiled.

use std::{fs, path::Path};

use super::{
    BOOK, Finding,
    page::{Fence, Page},
};
use crate::{failure::Failure, workspace};

/// Turns pages into documentation tests.
const DOCTESTS: &str = "tests/src/lib.rs";
const OPEN: &str = "{{#include ";

/// What the checks of a page look up.
struct Surroundings {
    /// The directories whose Rust files are compiled.
    members: Vec<String>,
    /// The text of [`DOCTESTS`].
    doctests: String,
}

pub(super) fn check(pages: &[Page]) -> Result<Vec<Finding>, Failure> {
    let surroundings =
        Surroundings { members: workspace::members()?, doctests: workspace::read(DOCTESTS)? };
    Ok(pages.iter().flat_map(|page| check_page(page, &surroundings)).collect())
}

fn check_page(page: &Page, surroundings: &Surroundings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for fence in &page.fences {
        let what = match fence.language() {
            "" => Some("name the language of this block; `text` if it has none".to_owned()),
            "rust" => check_rust(page, fence, surroundings),
            _ => None,
        };
        findings.extend(what.map(|what| page.finding(fence.line, what)));
    }
    let inside = page.fences.iter().flat_map(|fence| &fence.lines);
    for (number, line) in page.prose.iter().chain(inside) {
        for include in includes(line) {
            let what = check_include(page, include, surroundings);
            findings.extend(what.map(|what| page.finding(*number, what)));
        }
    }
    findings
}

fn check_rust(page: &Page, fence: &Fence, surroundings: &Surroundings) -> Option<String> {
    let tested = surroundings.doctests.contains(&format!("include_str!(\"../../{}\")", page.name));
    let lines = || fence.lines.iter().map(|(_, line)| line.trim()).filter(|l| !l.is_empty());
    let included = lines().filter(|line| line.starts_with(OPEN)).count();
    if fence.says("ignore") {
        Some("`ignore` keeps this block from being compiled; use `no_run` or `compile_fail`".into())
    } else if included == 0 && !tested {
        let page = &page.name;
        Some(format!(
            "nothing compiles this block: include it from a crate, or add `{page}` to `{DOCTESTS}`"
        ))
    } else if included > 0 && (tested || included < lines().count()) {
        Some("a block is either included or written here, and so are all blocks of a page".into())
    } else {
        None
    }
}

/// What the include directives of a line name.
fn includes(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split(OPEN).skip(1);
    parts.filter_map(|part| part.split_once("}}")).map(|(target, _)| target.trim())
}

fn check_include(page: &Page, target: &str, surroundings: &Surroundings) -> Option<String> {
    if !page.name.starts_with(BOOK) {
        return Some(format!("only pages of the book can include; this one shows `{target}`"));
    }
    let (path, anchor) = target.split_once(':').unwrap_or((target, ""));
    let directory = workspace::root().join(&page.name);
    let file = directory.parent().unwrap_or(&directory).join(path);
    let Ok(text) = fs::read_to_string(&file) else {
        return Some(format!("there is no file `{path}` to include"));
    };
    if path.ends_with(".rs") && !is_compiled(&file, surroundings) {
        return Some(format!("`{path}` is in no crate of the workspace, so nothing compiles it"));
    }
    check_anchor(&text, anchor).map(|what| format!("`{path}`: {what}"))
}

fn is_compiled(file: &Path, surroundings: &Surroundings) -> bool {
    let Ok(file) = file.canonicalize() else { return false };
    let Ok(root) = workspace::root().canonicalize() else { return false };
    surroundings.members.iter().any(|member| file.starts_with(root.join(member)))
}

/// An anchor has its two comments, in this order, around at least one line.
fn check_anchor(text: &str, anchor: &str) -> Option<String> {
    if anchor.is_empty() {
        return None;
    }
    if anchor.contains(':') || anchor.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!("lines move; mark them with an anchor instead of `{anchor}`"));
    }
    let line_of = |mark: &str| {
        let mut marks = text.lines().map(|line| line.rsplit(' ').take(2).collect::<Vec<_>>());
        marks.position(|words| words == [anchor, mark])
    };
    match (line_of("ANCHOR:"), line_of("ANCHOR_END:")) {
        (Some(start), Some(end)) if end > start + 1 => None,
        (Some(_), Some(_)) => Some(format!("nothing stands between the marks of `{anchor}`")),
        _ => Some(format!("there is no `ANCHOR: {anchor}` with its `ANCHOR_END: {anchor}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let doctests = "#[doc = include_str!(\"../../README.md\")]".to_owned();
        let surroundings = Surroundings { members: vec!["xtask".into()], doctests };
        let page = Page::parse(name, text);
        check_page(&page, &surroundings).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn rust_is_compiled_or_included() {
        assert!(findings("README.md", "```rust\nfn main() {}\n```\n").is_empty());
        assert!(findings("docs/src/a.md", "```rust\nfn main() {}\n```\n")[0].contains("compiles"));
        let include = "```rust\n{{#include ../../xtask/src/main.rs}}\n```\n";
        assert!(findings("docs/src/a.md", include).is_empty());
        assert!(findings("README.md", include)[0].contains("either"));
        assert!(findings("README.md", "```rust,ignore\nx\n```\n")[0].contains("ignore"));
    }

    #[test]
    fn a_block_without_a_language_would_be_taken_for_rust() {
        assert!(findings("README.md", "```\nls\n```\n")[0].contains("language"));
    }

    #[test]
    fn an_include_leads_to_a_file_that_is_compiled() {
        let missing = "{{#include no.toml}}";
        assert!(findings("docs/src/a.md", missing)[0].contains("no file"));
        // Any Rust file that is in none of the members will do.
        let outside = "{{#include ../../saas-core/src/lib.rs}}";
        assert!(findings("docs/src/a.md", outside)[0].contains("in no crate"));
        assert!(findings("README.md", "{{#include Cargo.toml}}")[0].contains("only pages"));
    }

    #[test]
    fn an_anchor_has_two_marks_around_something() {
        let text = "// ANCHOR: a\nlet x;\n// ANCHOR_END: a\n// ANCHOR: b\n// ANCHOR_END: b\n// ANCHOR: c\n";
        assert_eq!(check_anchor(text, "a"), None);
        assert_eq!(check_anchor(text, ""), None);
        for (anchor, what) in [
            ("b", "nothing"),
            ("c", "no `ANCHOR"),
            ("d", "no `ANCHOR"),
            ("3:4", "lines move"),
            ("7", "lines move"),
        ] {
            assert!(
                check_anchor(text, anchor).is_some_and(|found| found.contains(what)),
                "{anchor}"
            );
        }
    }
}
