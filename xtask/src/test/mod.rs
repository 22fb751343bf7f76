//! `cargo xtask test`: everything that CI runs, as steps.
//!
//! A step is a row of [`STEPS`]: its name, what it is for, the tools it needs and the function
//! that does it. The cheap ones come first. A failed step does not hide what the later ones find.

mod demo;
mod http;
mod processes;
mod report;
mod steps;

use clap::builder::PossibleValuesParser;

use self::report::{Report, Stopwatch};
use crate::{
    book,
    failure::Failure,
    tools::{self, Tool, Toolbox},
};

/// Run everything that CI runs, or the steps that are named.
///
/// Ends with a table of the steps, and with a non-zero status if one failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run this step alone; may be given several times.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    step: Vec<String>,
    /// List the steps and run none.
    #[arg(long)]
    list: bool,
}

/// A part of the test run.
#[derive(Debug)]
struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static Tool],
    run: fn(&Toolbox) -> Result<Outcome, Failure>,
}

/// How a step ended that did not fail.
#[derive(Debug)]
enum Outcome {
    Passed,
    /// It could not be done here; the text says why and what would change that.
    Skipped(String),
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the code is formatted", needs: &[], run: steps::fmt },
    Step {
        name: "book",
        about: "commands, snippets and links of README and book are true",
        needs: &[],
        run: book_step,
    },
    Step {
        name: "licences",
        about: "licences and origins of the dependencies are allowed ones",
        needs: &[],
        run: steps::licences,
    },
    Step { name: "clippy", about: "no lint has anything to say", needs: &[], run: steps::clippy },
    Step {
        name: "features",
        about: "each feature of each crate builds alone",
        needs: &[],
        run: steps::features,
    },
    Step { name: "docs", about: "the documentation builds cleanly", needs: &[], run: steps::docs },
    Step {
        name: "demo",
        about: "the demo starts, serves its tenants, stops and starts again",
        needs: &[&tools::POSTGRES],
        run: demo::run,
    },
    Step {
        name: "test",
        about: "unit, integration, compile-fail and documentation tests",
        needs: &[&tools::POSTGRES, &tools::PGBOUNCER, &tools::REDIS, &tools::NODE],
        run: steps::test,
    },
];

/// Runs the chosen steps in the order of the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.list {
        for Step { name, about, .. } in STEPS {
            println!("{name:<9} {about}");
        }
        return Ok(());
    }
    let chosen = |step: &&Step| args.step.is_empty() || args.step.iter().any(|s| s == step.name);
    let steps: Vec<_> = STEPS.iter().filter(chosen).collect();
    // First of all, so that a machine that lacks one says so at once.
    let needs: Vec<_> = steps.iter().flat_map(|step| step.needs).copied().collect();
    let tools = Toolbox::prepare(&needs)?;
    let mut report = Report::default();
    for step in steps {
        println!("\n== {}: {}", step.name, step.about);
        let stopwatch = Stopwatch::start();
        let outcome = (step.run)(&tools);
        if let Err(failure) = &outcome {
            eprintln!("error: {}", failure.with_sources());
        }
        report.add(step.name, outcome, stopwatch.elapsed());
    }
    report.finish()
}

fn book_step(_: &Toolbox) -> Result<Outcome, Failure> {
    book::check(&names()).map(|()| Outcome::Passed)
}

fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (position, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..position].iter().all(|other| other.name != step.name), "{}", step.name);
        }
    }
}
