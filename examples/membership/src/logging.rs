//! The log, on standard error: for people on a terminal, JSON for machines.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// Starts the log. A second call changes nothing.
pub fn start(format: LogFormat, filter: EnvFilter) {
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => {
            log.with_ansi(io::stderr().is_terminal()).with_target(false).compact().try_init()
        }
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // Only a test may have started it already.
    drop(started);
}
