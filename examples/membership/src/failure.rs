//! Why a command did not do what was asked, and the exit code that tells it.

use std::{error::Error, io, path::PathBuf, process::ExitCode};

use saas_core::config::ConfigError;
use saas_rbac::{operate::OperateError, user::UserError};
use saas_tenancy::{
    TenancyError, embedded::EmbeddedError, migrate::MigrateError, provision::ProvisionError,
    vault::KeyFileError,
};

use crate::{server::CannotListen, tls::TlsError};

/// How a command ended. The numbers stay what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// Something went wrong on the way.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A variable of the environment or an option cannot be used.
    Configuration = 3,
    /// The database does not keep tenants apart.
    Unsafe = 4,
    /// There is no such tenant or domain.
    NotFound = 5,
    /// The name is taken, or somebody else is using the directory.
    Conflict = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Unsafe => "unsafe_database",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A variable cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The application cannot listen there.
    #[error(transparent)]
    CannotListen(#[from] CannotListen),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys of the vault cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The private server did not start or stop.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// A tenant or its database could not be reached or changed.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// A person could not be made, found or changed.
    #[error(transparent)]
    User(#[from] UserError),
    /// A person could not be changed from outside.
    #[error(transparent)]
    Operate(#[from] OperateError),
    /// A tenant could not be made or removed.
    #[error(transparent)]
    Provision(ProvisionError),
    /// The tables could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The operating system refused something.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The command line is understood, but cannot be done as it stands.
    #[error("{0}")]
    Usage(String),
    /// Something must be set first.
    #[error("{0}")]
    Needs(&'static str),
    /// The directory is used by another process.
    #[error("`{dir}` is in use by process {pid}; stop it first, or choose another `--data`")]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who uses it.
        pid: String,
    },
    /// The database does not keep tenants apart.
    #[error("the database is not safe to serve from; `membership doctor` says how to repair it")]
    Unsafe,
    /// Something is to be repaired or migrated first; the answer of the command says what.
    #[error("the database is not ready to serve from")]
    NotReady,
    /// The database does not let the application in.
    #[error(
        "the role `{role}` cannot log in with the password that the application has; on a server \
         of your own set the one of `DATABASE_URL`: `alter role {role} login password '…'`"
    )]
    WrongPassword {
        /// The role.
        role: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// There is none of that name.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Anything else that failed.
    #[error("cannot {action}")]
    Other {
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        #[source]
        source: saas_core::BoxError,
    },
}

/// What the store says keeps its own exit code.
impl From<ProvisionError> for Failure {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Store(error) => Self::Tenancy(error),
            ProvisionError::Migrate(error) => Self::Migrate(error),
            error => Self::Provision(error),
        }
    }
}

impl Failure {
    /// For `map_err`: says what was tried.
    pub fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action: action.into(), source }
    }

    /// For `map_err`: keeps an error of another kind, and says what was tried.
    pub fn other<E: Into<saas_core::BoxError>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Other { action, source: source.into() }
    }

    /// The exit code that tells it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::CannotListen(error) if error.is_taken() => Exit::Conflict,
            Self::Config(_)
            | Self::Tls(_)
            | Self::KeyFile(_)
            | Self::Needs(_)
            | Self::WrongPassword { .. }
            | Self::Embedded(EmbeddedError::Config(_) | EmbeddedError::NotBinaries { .. })
            | Self::Tenancy(TenancyError::Unprovisionable { .. })
            | Self::Provision(ProvisionError::Unprovisionable { .. }) => Exit::Configuration,
            Self::InUse { .. }
            | Self::Embedded(EmbeddedError::InUse { .. })
            | Self::User(UserError::EmailTaken)
            | Self::Tenancy(TenancyError::SlugTaken | TenancyError::DomainTaken) => Exit::Conflict,
            Self::NotFound { .. }
            | Self::User(UserError::NotFound)
            | Self::Operate(OperateError::NoSuchPerson)
            | Self::Tenancy(TenancyError::NotFound) => Exit::NotFound,
            Self::Unsafe | Self::NotReady | Self::Tenancy(TenancyError::Unsafe(_)) => Exit::Unsafe,
            Self::Usage(_)
            | Self::User(UserError::InvalidEmail | UserError::InvalidName)
            | Self::Operate(OperateError::NoSuchRole(_)) => Exit::Usage,
            Self::Embedded(_)
            | Self::Tenancy(_)
            | Self::User(_)
            | Self::Operate(_)
            | Self::Provision(_)
            | Self::Migrate(_)
            | Self::CannotListen(_)
            | Self::Io { .. }
            | Self::Other { .. } => Exit::Failed,
        }
    }

    /// What went wrong, and behind it why. A cause that only repeats the end of what came before
    /// is left out: not every library keeps its causes to itself.
    #[must_use]
    pub fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.to_string()];
        let mut next = self.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !chain.last().is_some_and(|last| last.ends_with(&text)) {
                chain.push(text);
            }
            next = cause.source();
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the server said: {0}")]
    struct Repeats(#[source] io::Error);

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let source = Repeats(io::Error::other("no"));
        let failure = Failure::other("connect")(source);
        assert_eq!(failure.chain(), ["cannot connect", "the server said: no"]);
        let failure = Failure::io("read")(io::Error::other("no"));
        assert_eq!(failure.chain(), ["cannot read", "no"]);
    }
}
