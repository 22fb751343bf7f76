//! Commands on the pages, and how each is known to work.
//!
//! A line of a `sh` block, and one behind a `$` of a `console` block, is a command. It has to stand
//! in [`COMMANDS`], word by word; a row that no page needs any more has to go.

use super::{Finding, page::Page};
use crate::run;

/// How a command is known to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// This check runs it, from the workspace's root. For what is quick and changes nothing.
    RunHere,
    /// A step of `cargo xtask test` does it.
    Step(&'static str),
    /// It is the command that runs the steps.
    TheRunItself,
    /// Only a reader can do it; the text says why.
    Reader(&'static str),
}

/// The requests of the tutorial.
const ASKS_NOTES: &str = "it asks the program of the tutorial, whose test asks the same";

const COMMANDS: &[(&str, Proof)] = &[
    ("cargo xtask demo", Proof::Step("demo")),
    ("cargo xtask test", Proof::TheRunItself),
    (
        "cargo xtask bench",
        Proof::Reader("it needs a quiet machine for minutes; clippy compiles it"),
    ),
    ("cargo xtask test --list", Proof::RunHere),
    ("cargo xtask test --step fmt", Proof::Step("fmt")),
    ("cargo fmt", Proof::Reader("it changes files; the step `fmt` checks what it would do")),
    ("cargo run --package notes", Proof::Reader("it serves until Ctrl-C; `test` tests its parts")),
    ("curl --data \"buy milk\" http://acme.localhost:8080/notes", Proof::Reader(ASKS_NOTES)),
    ("curl http://acme.localhost:8080/notes", Proof::Reader(ASKS_NOTES)),
    ("curl http://globex.localhost:8080/notes", Proof::Reader(ASKS_NOTES)),
];

pub(super) fn check(pages: &[Page], steps: &[&str]) -> Vec<Finding> {
    let mut findings = compare(pages, COMMANDS);
    for (command, proof) in COMMANDS {
        findings.extend(doubt(command, *proof, steps).map(table));
        if let Proof::Reader(why) = proof {
            println!("`{command}` is left to the reader: {why}");
        }
    }
    findings
}

/// Why the proof does not hold.
fn doubt(command: &str, proof: Proof, steps: &[&str]) -> Option<String> {
    match proof {
        Proof::RunHere => {
            let outcome = run::quiet(run::command("sh").args(["-c", command]));
            outcome.err().map(|failure| failure.with_sources())
        }
        Proof::Step(step) if !steps.contains(&step) => {
            Some(format!("`{command}` relies on the step `{step}`, which does not exist"))
        }
        Proof::Step(_) | Proof::TheRunItself | Proof::Reader(_) => None,
    }
}

/// Commands without a row, and rows without a command.
fn compare(pages: &[Page], known: &[(&str, Proof)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for page in pages {
        for (line, command) in commands(page) {
            if !known.iter().any(|(row, _)| *row == command) {
                let what = format!(
                    "nothing shows that `{command}` works: add a row to `COMMANDS` in `{}`",
                    file!()
                );
                findings.push(page.finding(line, what));
            }
            seen.push(command);
        }
    }
    let unused = known.iter().filter(|(row, _)| !seen.iter().any(|command| command == row));
    findings.extend(unused.map(|(row, _)| table(format!("no page has `{row}`: remove its row"))));
    findings
}

fn table(what: String) -> Finding {
    Finding { page: file!().to_owned(), line: line_of_table(), what }
}

fn line_of_table() -> usize {
    let lines = include_str!("commands.rs").lines();
    lines.zip(1..).find(|(line, _)| line.starts_with("const COMMANDS")).map_or(1, |(_, n)| n)
}

/// The commands of a page with their lines, each on one line and without comment.
fn commands(page: &Page) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for fence in &page.fences {
        let prompt = match fence.language() {
            "sh" | "bash" | "shell" => "",
            "console" => "$ ",
            _ => continue,
        };
        let mut lines = fence.lines.iter();
        while let Some((number, line)) = lines.next() {
            let Some(first) = line.strip_prefix(prompt) else { continue };
            let mut command = first.to_owned();
            while let Some(start) = command.strip_suffix('\\') {
                let next = lines.next().map_or("", |(_, line)| line.trim());
                command = format!("{}{next}", start.trim_end().to_owned() + " ");
            }
            let command = command.split(" #").next().unwrap_or_default().trim().to_owned();
            if !command.is_empty() && !command.starts_with('#') {
                all.push((*number, command));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        commands(&Page::parse("x.md", text)).into_iter().map(|(_, command)| command).collect()
    }

    #[test]
    fn every_line_of_a_shell_block_is_a_command() {
        let text = "```sh\n# why\nls   # files\n\ncargo xtask demo \\\n    --reset\n```\n";
        assert_eq!(found(text), ["ls", "cargo xtask demo --reset"]);
    }

    #[test]
    fn only_lines_with_a_prompt_are_commands_of_a_console_block() {
        assert_eq!(found("```console\n$ ls\nREADME.md\n```\n"), ["ls"]);
        assert_eq!(found("```text\n$ ls\n```\n"), [""; 0]);
    }

    #[test]
    fn an_unknown_command_is_found_and_the_message_says_where_it_goes() {
        let page = Page::parse("x.md", "```sh\nrm -rf /\n```\n");
        let findings = compare(&[page], &[]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].what.contains("xtask/src/book/commands.rs"), "{}", findings[0]);
    }

    #[test]
    fn a_proof_that_does_not_hold_is_found() {
        assert_eq!(doubt("true", Proof::RunHere, &[]), None);
        assert!(doubt("false", Proof::RunHere, &[]).is_some_and(|why| why.contains("exit status")));
        assert_eq!(doubt("x", Proof::Step("demo"), &["demo"]), None);
        assert!(doubt("x", Proof::Step("demo"), &[]).is_some_and(|why| why.contains("`demo`")));
    }

    #[test]
    fn a_row_that_no_page_needs_is_found() {
        let findings = compare(&[], &[("ls", Proof::RunHere)]);
        assert!(findings[0].what.contains("remove its row"), "{}", findings[0]);
    }
}
