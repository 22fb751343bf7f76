//! Links between the pages and to files of the repository.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use super::{BOOK, Finding, page::Page};
use crate::workspace;

pub(super) fn check(pages: &[Page]) -> Vec<Finding> {
    let mut findings: Vec<_> = pages.iter().flat_map(|page| check_page(page, pages)).collect();
    findings.extend(unlisted(pages));
    findings
}

fn check_page(page: &Page, pages: &[Page]) -> Vec<Finding> {
    let all = links(page);
    let wrong = all.iter().filter_map(|(line, target)| {
        check_link(page, target, pages).map(|what| page.finding(*line, what))
    });
    wrong.collect()
}

fn check_link(page: &Page, target: &str, pages: &[Page]) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { page.name.clone().into() } else { resolve(&page.name, path) };
    if !workspace::root().join(&file).exists() {
        return Some(format!("the link `{target}` leads to no file"));
    }
    let linked = pages.iter().find(|other| Path::new(&other.name) == file)?;
    let found = heading.is_empty() || linked.headings().any(|other| other == heading);
    (!found).then(|| format!("`{}` has no heading for the link `{target}`", linked.name))
}

/// Pages of the book that its summary does not list.
fn unlisted(pages: &[Page]) -> Vec<Finding> {
    let summary = format!("{BOOK}/SUMMARY.md");
    let Some(summary) = pages.iter().find(|page| page.name == summary) else {
        return vec![Finding { page: summary, line: 1, what: "the book has no summary".into() }];
    };
    let listed: BTreeSet<_> =
        links(summary).iter().map(|(_, target)| resolve(&summary.name, target)).collect();
    let book = pages.iter().filter(|page| page.name.starts_with(BOOK) && page.name != summary.name);
    let missing = book.filter(|page| !listed.contains(Path::new(&page.name)));
    missing.map(|page| summary.finding(1, format!("`{}` is not listed", page.name))).collect()
}

/// The targets of a page's links with their lines.
fn links(page: &Page) -> Vec<(usize, String)> {
    let lines = page.prose.iter();
    lines.flat_map(|(line, text)| targets(text).into_iter().map(|link| (*line, link))).collect()
}

/// `[text](target "title")`, `[text](<target>)` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    // What stands in backticks is shown, not linked.
    let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let inline = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let definition = text.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    let all = inline.chain(definition.map(|(_, target)| target));
    let words = all.filter_map(|target| target.split_whitespace().next());
    words.map(|target| target.trim_matches(['<', '>']).to_owned()).collect()
}

/// A link's path from the root, without `.` and `..`.
fn resolve(page: &str, target: &str) -> PathBuf {
    let mut path = Path::new(page).parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            // Absolute: kept, so that it is found missing rather than taken for relative.
            Component::RootDir | Component::Prefix(_) => path.push(part),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_all_forms_are_found() {
        let line = "see [a](a.md), [b](<b.md#x> \"title\") and `[c](c.md)`, ![d](d.png)";
        assert_eq!(targets(line), ["a.md", "b.md#x", "d.png"]);
        assert_eq!(targets("[e]: e.md"), ["e.md"]);
        assert_eq!(targets("an [x] and (y)"), [""; 0]);
    }

    #[test]
    fn links_are_relative_to_their_page() {
        assert_eq!(resolve("docs/src/a/b.md", "../c.md"), Path::new("docs/src/c.md"));
        assert_eq!(resolve("README.md", "./docs/src/c.md"), Path::new("docs/src/c.md"));
        assert_eq!(resolve("docs/a.md", "/etc/passwd"), Path::new("/etc/passwd"));
    }

    #[test]
    fn a_link_leads_to_a_file_and_to_a_heading() {
        let page = Page::parse("Cargo.toml", "# One thing\n");
        let pages = [page];
        for (target, what) in [
            ("Cargo.toml#one-thing", None),
            ("#one-thing", None),
            ("https://example.org/x", None),
            ("no.md", Some("no file")),
            ("#other", Some("no heading")),
        ] {
            let found = check_link(&pages[0], target, &pages);
            match what {
                None => assert_eq!(found, None, "{target}"),
                Some(what) => assert!(found.is_some_and(|found| found.contains(what)), "{target}"),
            }
        }
    }

    #[test]
    fn a_page_that_the_summary_forgets_is_found() {
        let summary = Page::parse("docs/src/SUMMARY.md", "- [A](a.md)\n");
        let pages = [summary, Page::parse("docs/src/a.md", ""), Page::parse("docs/src/b.md", "")];
        let found = unlisted(&pages);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("docs/src/b.md"));
    }
}
