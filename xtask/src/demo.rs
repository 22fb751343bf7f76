//! `cargo xtask demo`: the example application with its data, in one command.

use std::{env, net::SocketAddr, os::unix::process::CommandExt, path::PathBuf, process::Command};

use crate::{
    failure::Failure,
    run,
    tools::{self, Toolbox},
    workspace,
};

/// Start the membership example with demo data; Ctrl-C stops it.
///
/// The application brings its own private database server. It prints the addresses of the tenants
/// and the logins once it is ready.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where to serve metrics [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// Where to keep the data [default: a directory of this user's application data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Throw the data of earlier runs away.
    #[arg(long)]
    reset: bool,
    /// Members of the largest tenant, `acme` [default: 10000].
    #[arg(long, value_name = "N")]
    members: Option<u32>,
}

/// Builds the application and becomes it, so that signals and the exit status are its own.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let tools = Toolbox::prepare(&[&tools::POSTGRES])?;
    if !is_built() {
        println!(
            "Compiling the demo. The first time takes some minutes: about three on two cores."
        );
    }
    let mut command = tools.cargo();
    command.args(["run", "--manifest-path"]).arg(workspace::root().join("Cargo.toml"));
    command.args(["--package", "membership", "--", "serve", "--demo"]);
    // The user's directory, so that a relative `--data` means what it says.
    command.current_dir(env::current_dir().map_err(Failure::file("."))?);
    pass_on(args, &mut command);
    let error = command.exec();
    Err(run::start(&command, error))
}

/// Hands over what was given. Defaults are the application's own, in one place.
fn pass_on(args: &Args, command: &mut Command) {
    let Args { listen, admin_listen, data, reset, members } = args;
    if let Some(listen) = listen {
        command.args(["--listen", &listen.to_string()]);
    }
    if let Some(listen) = admin_listen {
        command.args(["--admin-listen", &listen.to_string()]);
    }
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    if *reset {
        command.arg("--reset");
    }
    if let Some(members) = members {
        command.args(["--members", &members.to_string()]);
    }
}

/// Whether an earlier build left the application beside this program.
fn is_built() -> bool {
    env::current_exe().is_ok_and(|xtask| xtask.with_file_name("membership").exists())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn passed(line: &[&str]) -> Vec<String> {
        let args = Line::parse_from([&["demo"], line].concat()).args;
        let mut command = Command::new("app");
        pass_on(&args, &mut command);
        command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn every_option_reaches_the_application() {
        let line = ["--listen", "127.0.0.1:1", "--admin-listen", "127.0.0.1:2", "--data", "d"];
        let line = [&line[..], &["--reset", "--members", "7"]].concat();
        assert_eq!(passed(&line), line);
    }

    #[test]
    fn an_option_that_is_not_given_is_left_to_the_application() {
        assert!(passed(&[]).is_empty());
    }
}
