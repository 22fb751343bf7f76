//! The membership app's commands. `membership --help` shows them.

use std::process::ExitCode;

fn main() -> ExitCode {
    membership::cli::run()
}
