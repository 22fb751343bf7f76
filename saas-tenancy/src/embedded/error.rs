//! Why the private server could not be started or stopped.

use std::{io, path::PathBuf, time::Duration};

use saas_core::config::ConfigError;

use super::lock::Holder;

/// Why the private server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The machine has no PostgreSQL server, or none where it is looked for.
    #[error(
        "no PostgreSQL server of version 14 or newer was found; install one with `apt-get install \
         postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora, RHEL) or `brew \
         install postgresql@17` (macOS), or set `SAAS_PG_BIN` to the directory that holds \
         `postgres` and `initdb`"
    )]
    NoBinaries,
    /// The directory that was named does not hold the two programs, or they do not run.
    #[error(
        "`{dir}` does not hold the programs `postgres` and `initdb`, or they do not run; name the \
         `bin` directory of a PostgreSQL server, for example \
         `SAAS_PG_BIN=/usr/lib/postgresql/17/bin`"
    )]
    NotBinaries {
        /// What [`Options::with_bin_dir`](super::Options::with_bin_dir) or `SAAS_PG_BIN` named.
        dir: PathBuf,
    },
    /// Only a server older than version 14 was found.
    #[error(
        "the PostgreSQL server in `{dir}` is version {version}, but 14 or newer is needed; install \
         a newer one, or set `SAAS_PG_BIN` to its `bin` directory"
    )]
    TooOld {
        /// Where the programs are.
        dir: PathBuf,
        /// Their major version.
        version: u32,
    },
    /// The data was made by another major version than the programs have.
    #[error(
        "the data in `{dir}` was made by PostgreSQL {data}, but only version {binaries} is \
         installed; install version {data}, or move the data with `pg_upgrade`, or choose another \
         directory"
    )]
    WrongVersion {
        /// The directory with the data.
        dir: PathBuf,
        /// The major version that made it.
        data: u32,
        /// The newest major version that was found.
        binaries: u32,
    },
    /// The process runs as root, as which PostgreSQL refuses to run, and has nobody to step down to.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user `postgres` nor a user \
         `nobody` to run it as; add one with `useradd --system postgres`"
    )]
    NoUser,
    /// The user that the server runs as cannot get to a directory.
    #[error(
        "`{dir}` is closed to the user `{user}` that PostgreSQL runs as, because root may not; \
         choose a directory outside of it, for example under `/var/lib`, or open it with `chmod \
         o+x {dir}`"
    )]
    Closed {
        /// The outermost directory that is closed.
        dir: PathBuf,
        /// The user who cannot enter it.
        user: String,
    },
    /// The directory was made by another user.
    #[error(
        "`{dir}` belongs to the user with id {owner}, but this process runs as {caller}; start it \
         as that user, or choose another directory"
    )]
    ForeignOwner {
        /// The directory with the data.
        dir: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who tried to use it.
        caller: u32,
    },
    /// The data belongs to root, for example after it was copied back.
    #[error(
        "`{dir}` belongs to root, as which PostgreSQL does not run; give it to the server's user \
         with `chown -R postgres {dir}`"
    )]
    OwnedByRoot {
        /// The directory with the data.
        dir: PathBuf,
    },
    /// The directory holds files that no embedded server put there.
    #[error(
        "`{dir}` holds files that are not of an embedded server; choose an empty or a new directory"
    )]
    NotOurs {
        /// The directory that was named.
        dir: PathBuf,
    },
    /// A part of the directory is missing or unreadable, for example after an incomplete copy.
    #[error("`{file}` is missing or damaged; restore it from a copy, or remove the directory")]
    Damaged {
        /// What is missing.
        file: PathBuf,
    },
    /// Another start on the same directory is running.
    #[error("`{dir}` is in use by {holder}; stop that process first, or choose another directory")]
    InUse {
        /// The directory with the data.
        dir: PathBuf,
        /// Who uses it.
        holder: Holder,
    },
    /// A setting cannot be passed to the server.
    #[error("the setting `{name}` cannot be used: {why}")]
    Setting {
        /// The setting.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A variable of the environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `initdb` failed.
    #[error("`initdb` could not make the database in `{dir}`; it said:\n{output}")]
    InitDb {
        /// The directory with the data.
        dir: PathBuf,
        /// The end of what the program printed.
        output: String,
    },
    /// The server ended before it accepted connections.
    #[error("the PostgreSQL server in `{dir}` ended while it started; its log says:\n{log}")]
    Ended {
        /// The directory with the data.
        dir: PathBuf,
        /// The end of the server's log.
        log: String,
    },
    /// The server did not accept connections in time, and was stopped again.
    #[error(
        "the PostgreSQL server in `{dir}` was not ready after {limit:?}; raise the limit with \
         `with_start_limit` if it recovers much data; its log says:\n{log}"
    )]
    NotReady {
        /// The directory with the data.
        dir: PathBuf,
        /// How long it was given.
        limit: Duration,
        /// The end of the server's log.
        log: String,
    },
    /// The server is still writing its data out. It goes on and ends by itself.
    #[error(
        "the PostgreSQL server in `{dir}` did not end within {limit:?}; it goes on stopping by \
         itself, wait for it before the directory is used again"
    )]
    NotStopped {
        /// The directory with the data.
        dir: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// The operating system refused something.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The async runtime went away meanwhile. The server is stopped.
    #[error("the async runtime shut down while the PostgreSQL server was started or stopped")]
    RuntimeGone,
}

impl EmbeddedError {
    /// For `map_err`: keeps what was tried on which path.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
