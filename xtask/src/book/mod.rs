//! What README and book say is true: their commands run, their code compiles, their links lead
//! somewhere.
//!
//! 1. A shell command stands in the table of [`commands`], which says how it is known to work.
//! 2. A Rust block is compiled: in `docs/src` as `{{#include …}}` from a crate of the workspace, or
//!    as documentation test of a page that `tests/src/lib.rs` takes in.
//! 3. An include names a file and an anchor that exist.
//! 4. A link to a file or a heading of this repository leads there.
//! 5. `docs/src/SUMMARY.md` lists each page of the book.
//!
//! mdBook builds the same pages from `docs/book.toml`; nothing here needs it.

mod commands;
mod links;
mod page;
mod snippets;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use self::page::Page;
use crate::{failure::Failure, workspace};

/// Where the pages of the book are.
const BOOK: &str = "docs/src";

/// Something on a page that is not true.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The page, from the workspace's root.
    page: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.page, self.line, self.what)
    }
}

/// Checks all pages. The `steps` are those of the test run, which commands may rely on.
///
/// # Errors
/// [`Failure::Pages`] with every finding.
pub(crate) fn check(steps: &[&str]) -> Result<(), Failure> {
    let pages = pages()?;
    let mut findings = snippets::check(&pages)?;
    findings.extend(links::check(&pages));
    findings.extend(commands::check(&pages, steps));
    let blocks: usize = pages.iter().map(|page| page.fences.len()).sum();
    println!("{} pages with {blocks} blocks of code and commands", pages.len());
    if findings.is_empty() {
        return Ok(());
    }
    let list = findings.iter().map(|finding| format!("\n  {finding}")).collect::<String>();
    Err(Failure::Pages(format!("README or book are not true:{list}")))
}

/// The Markdown files of the root and of the book.
fn pages() -> Result<Vec<Page>, Failure> {
    let mut paths = Vec::new();
    markdown_in(workspace::root(), Depth::Here, &mut paths)?;
    markdown_in(&workspace::root().join(BOOK), Depth::Below, &mut paths)?;
    paths.sort();
    paths.into_iter().map(|path| read(&path)).collect()
}

#[derive(Clone, Copy)]
enum Depth {
    Here,
    Below,
}

fn markdown_in(directory: &Path, depth: Depth, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(directory).map_err(Failure::file(directory))? {
        let path = entry.map_err(Failure::file(directory))?.path();
        match depth {
            Depth::Below if path.is_dir() => markdown_in(&path, depth, paths)?,
            _ if path.extension().is_some_and(|extension| extension == "md") => paths.push(path),
            _ => {}
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Page, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file(path))?;
    let name = path.strip_prefix(workspace::root()).unwrap_or(path);
    Ok(Page::parse(&name.to_string_lossy(), &text))
}
