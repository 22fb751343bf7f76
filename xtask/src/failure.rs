//! What can go wrong in a command of this crate.

use std::{error::Error, io, path::PathBuf, process::ExitStatus};

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A program could not be started.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line.
        command: String,
        #[source]
        source: io::Error,
    },
    /// A program ended with something other than success.
    #[error("`{command}` ended with {status}")]
    Ended {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program ended with something other than success; its output was not shown yet.
    #[error("`{command}` ended with {status}:\n{output}")]
    EndedWith {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// A file or directory could not be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A tool is missing and may not be installed from here.
    #[error("{tools} missing or too old; {remedy}")]
    ToolsMissing {
        /// The tools with their lowest versions.
        tools: String,
        /// What to do about it.
        remedy: String,
    },
    /// The pages hold something that is not true.
    #[error("{0}")]
    Pages(String),
    /// The demo did not do what it promises.
    #[error("the demo {what}; its last words:\n{log}")]
    Demo {
        /// What was seen.
        what: String,
        /// The end of its output.
        log: String,
    },
    /// Steps of the test run failed. Each has been reported in full.
    #[error("{0}")]
    Steps(String),
}

impl Failure {
    /// A function for `map_err` that tells which file it was about.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// The message, followed by those of its sources.
    pub(crate) fn with_sources(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        text
    }
}
