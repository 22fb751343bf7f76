//! Why a tenant could not be given a home.

use std::error::Error;

use saas_core::{BoxError, TenantId};

use super::Step;
use crate::{error::TenancyError, migrate::MigrateError, placement::Isolation};

/// Why a database could not be prepared, or a tenant not be given a home or rid of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The administrator's connection may not make roles that the framework needs.
    #[error(
        "the administrator may not make the roles; connect as a superuser, or let one run `create role saas_admin nologin bypassrls` and grant the administrator createrole, createdb and bypassrls"
    )]
    Forbidden(#[source] BoxError),
    /// The server has not got an extension.
    #[error(
        "extension `{name}` is not installed on the database server; install PostgreSQL's contrib package (Debian and Ubuntu: part of `postgresql`, Fedora: `postgresql-contrib`)"
    )]
    MissingExtension {
        /// Its name.
        name: &'static str,
    },
    /// An extension is installed where migrations do not look for it.
    #[error(
        "extension `{name}` is in another schema; move it with `alter extension {name} set schema saas_ext`"
    )]
    MisplacedExtension {
        /// Its name.
        name: &'static str,
    },
    /// The provisioner lacks what the isolation needs.
    #[error("a tenant with {isolation} isolation needs {needs}")]
    Unprovisionable {
        /// The wall that was asked for.
        isolation: Isolation,
        /// What is missing and how to supply it.
        needs: &'static str,
    },
    /// A step failed for good; what was made before it is removed again.
    #[error("tenant {tenant} was not made: step `{step}` failed; nothing of it is left")]
    Failed {
        /// Whose home it was.
        tenant: TenantId,
        /// What failed.
        step: Step,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A step could not be finished now, or what was made could not be removed; the work is resumed
    /// by the next call or start.
    #[error(
        "tenant {tenant} is not ready: step `{step}` was interrupted; it is resumed at the next try"
    )]
    Interrupted {
        /// Whose home it is.
        tenant: TenantId,
        /// What was interrupted.
        step: Step,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] TenancyError),
    /// The migrations failed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The server failed.
    #[error("the database failed during provisioning")]
    Database(#[source] BoxError),
}

impl ProvisionError {
    /// Whether the same step may work later, as it stands.
    pub(super) fn is_transient_here(&self) -> bool {
        match self {
            Self::Store(error) => Self::is_transient(error),
            Self::Migrate(MigrateError::Busy { .. }) => true,
            other => Self::is_transient(other),
        }
    }

    /// Whether an error says that the server, and not the work, is the trouble.
    pub(super) fn is_transient(error: &(dyn Error + 'static)) -> bool {
        std::iter::successors(Some(error), |&error| error.source()).any(|error| {
            let store = error
                .downcast_ref()
                .is_some_and(|error| matches!(error, TenancyError::Store(_) | TenancyError::Busy));
            store || error.downcast_ref().is_some_and(is_trouble)
        })
    }
}

/// Lost connections, and the classes of codes for connections (08), conflicts (40), full resources
/// (53), locks (55P03, 55006) and a server that stops or starts (57P).
fn is_trouble(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "40", "53", "55P03", "55006", "57P"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

impl From<sqlx::Error> for ProvisionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<ProvisionError> for TenancyError {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Store(error) => error,
            ProvisionError::Unprovisionable { isolation, needs } => {
                Self::Unprovisionable { isolation, needs }
            }
            other => Self::Database(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_may_work_later_and_a_wrong_statement_never_will() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let wrong = || sqlx::Error::ColumnNotFound("x".to_owned());
        assert!(ProvisionError::from(lost()).is_transient_here());
        assert!(ProvisionError::Migrate(MigrateError::from(lost())).is_transient_here());
        assert!(ProvisionError::Store(TenancyError::store(lost())).is_transient_here());
        assert!(!ProvisionError::from(wrong()).is_transient_here());
        assert!(!ProvisionError::Migrate(MigrateError::from(wrong())).is_transient_here());
        assert!(!ProvisionError::Store(TenancyError::SlugTaken).is_transient_here());
    }
}
