//! Child processes: started from the workspace's root, shown before they run.

use std::{
    env,
    process::{Command, Output, Stdio},
};

use crate::{failure::Failure, workspace};

/// A command that runs in the root of the workspace.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}

/// The cargo that started this program.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(&env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    // A CI machine builds once, so that what speeds up the next build only costs there.
    if env::var_os("CI").is_some() && env::var_os("CARGO_INCREMENTAL").is_none() {
        cargo.env("CARGO_INCREMENTAL", "0");
    }
    cargo
}

/// Prints the command and runs it; its output goes where ours goes.
pub(crate) fn show(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", line(command));
    let status = command.status().map_err(|source| start(command, source))?;
    if status.success() { Ok(()) } else { Err(Failure::Ended { command: line(command), status }) }
}

/// Runs the command and gives its standard output; all output is shown only when it fails.
pub(crate) fn quiet(command: &mut Command) -> Result<String, Failure> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().map_err(|source| start(command, source))?;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(stdout);
    }
    let output = format!("{stdout}{}", String::from_utf8_lossy(&stderr));
    Err(Failure::EndedWith { command: line(command), status, output })
}

/// Whether the command can be started and succeeds. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    quiet(command).is_ok()
}

/// The failure of a command that could not be started.
pub(crate) fn start(command: &Command, source: std::io::Error) -> Failure {
    Failure::Start { command: line(command), source }
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let words = command.get_args().map(|arg| match arg.to_string_lossy() {
        arg if arg.contains('\n') => "…".to_owned(),
        arg if arg.contains(' ') => format!("'{arg}'"),
        arg => arg.into_owned(),
    });
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "a name"]);
        assert_eq!(line(&command), "cargo test -- 'a name'");
    }

    #[test]
    fn a_failed_command_brings_its_output() {
        let failure = quiet(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("exit status: 3") && text.contains("why"), "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        assert!(!succeeds(&mut Command::new("/no/such/program")));
    }
}
