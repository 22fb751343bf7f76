//! The project's own commands. `cargo xtask --help` lists them.
//!
//! | module | holds |
//! |---|---|
//! | [`demo`] | `cargo xtask demo` |
//! | [`mod@bench`] | `cargo xtask bench` |
//! | [`mod@test`] | `cargo xtask test`: a table of steps and their report |
//! | [`book`] | checks of README and book: commands, snippets, links |
//! | [`tools`] | programs that a step needs, found or installed |
//! | [`run`], [`failure`], [`workspace`] | child processes, what can go wrong, where things are |
#![expect(clippy::print_stdout, reason = "what these commands print is what they are for")]

mod bench;
mod book;
mod demo;
mod failure;
mod run;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The commands of this workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "The commands look for what they need (PostgreSQL, …) and install what is missing \
                  with the system's package manager when they may. Otherwise they print the \
                  command to run."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Test(test::Args),
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.with_sources());
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
