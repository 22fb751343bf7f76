//! The commands. Each answers in text, or with `--json` in one JSON value on standard output;
//! progress and logs go to standard error. The exit codes are those of [`Exit`].

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use saas_core::{Clock, config::Env};

use crate::{
    boot::data::DataDir,
    config::{Config, LogFormat},
    failure::{Exit, Failure},
    logging,
};

mod context;
mod doctor;
mod domain;
mod migrate;
mod openapi;
mod output;
mod seed;
mod serve;
mod tenant;
mod user;

use context::Context;
use output::Output;

const EXAMPLES: &str = "\
Examples:
  membership serve --demo                  try it: tenants, members, nothing to install
  membership tenant create acme --name \"Acme Sports Club\"
  membership tenant list --json
  membership user create ann@acme.test --name Ann --tenant acme --role owner
  membership doctor                        is the database safe to serve from?

Without DATABASE_URL a private PostgreSQL server keeps the data in --data. The commands find it
whether or not `membership serve` is running.

Exit codes:
  0 done   1 failed   2 wrong usage   3 wrong configuration   4 unsafe database
  5 not found   6 taken or in use";

/// A membership platform for many tenants in one process.
#[derive(Debug, Parser)]
#[command(name = "membership", version, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// Answer with one JSON value.
    #[arg(long, global = true)]
    json: bool,
    /// Where the private server keeps its data.
    ///
    /// The default is `$XDG_DATA_HOME/membership` or `~/.local/share/membership`, and
    /// `/var/lib/membership` for root. Not used when `DATABASE_URL` is set.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the application.
    Serve(serve::Args),
    /// Create tenants and look after them.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Look after the people who sign in.
    #[command(subcommand)]
    User(user::Command),
    /// Bring the tables up to date.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Check that the database keeps tenants apart, and say how to repair what does not.
    Doctor(doctor::Args),
    /// Load the demo data without starting the application.
    Seed(seed::Args),
    /// Write the OpenAPI document.
    Openapi(openapi::Args),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    run_with(std::env::args_os(), &Env::process())
}

fn run_with(args: impl IntoIterator<Item = OsString>, env: &Env) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors: clap chooses the stream and the code.
            let code = error.exit_code();
            drop(error.print());
            return ExitCode::from(u8::try_from(code).unwrap_or(Exit::Failed as u8));
        }
    };
    let mut output = Output::new(cli.json.into());
    match cli.run(env, &mut output) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}

impl Cli {
    fn run(self, env: &Env, output: &mut Output) -> Result<(), Failure> {
        // What a server does is told while it runs; a command answers.
        let default = match self.command {
            // The one pool of the driver listens for changes, and complains when a server stops.
            Command::Serve(_) => "info,sqlx::pool=error",
            _ => "warn,sqlx=error",
        };
        let (format, filter) = LogFormat::read(env, default)?;
        logging::start(format, filter);
        if let Command::Openapi(args) = self.command {
            return args.run(output);
        }
        let config = Config::read(env)?;
        let data = DataDir::choose(self.data, env)?;
        let context = Context { config, data, clock: Clock::system() };
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::io("start the runtime"))?;
        runtime.block_on(async {
            match self.command {
                Command::Serve(args) => args.run(context, output).await,
                Command::Tenant(command) => command.run(&context, output).await,
                Command::User(command) => command.run(&context, output).await,
                Command::Migrate(command) => command.run(&context, output).await,
                Command::Doctor(args) => args.run(&context, output).await,
                Command::Seed(args) => args.run(&context, output).await,
                Command::Openapi(args) => args.run(output),
            }
        })
    }
}

#[cfg(test)]
mod tests;
