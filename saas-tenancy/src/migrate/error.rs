//! Why a run of migrations stopped.

use std::fmt;

use saas_core::BoxError;
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use super::Migration;

/// Why a run of migrations stopped. Nothing of the failed migration remains.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The roles and extensions of the framework are missing.
    #[error("the database is not prepared; run `provision::bootstrap` over this connection first")]
    NotBootstrapped,
    /// A file differs from what was applied.
    #[error(
        "migration `{name}` was changed after it was applied to schema `{schema}`; restore the file and write the change into a new one"
    )]
    Changed {
        /// Where it was applied.
        schema: String,
        /// Its name when it was applied.
        name: String,
    },
    /// The schema is ahead of the program.
    #[error(
        "schema `{schema}` has migration `{name}`, which this program does not know; deploy the version that brought it"
    )]
    Unknown {
        /// Where it was applied.
        schema: String,
        /// Its name.
        name: String,
    },
    /// A pending migration comes before one that is applied.
    #[error(
        "migration `{name}` comes before `{after}`, which schema `{schema}` has already; give it a higher number"
    )]
    OutOfOrder {
        /// Where the later one was applied.
        schema: String,
        /// The pending one.
        name: &'static str,
        /// The applied one.
        after: &'static str,
    },
    /// A statement of a file failed.
    #[error("migration `{name}` failed in schema `{schema}`{line}")]
    Failed {
        /// Where it ran.
        schema: String,
        /// Its name.
        name: &'static str,
        /// The line of the failed statement, where the server tells it.
        line: Line,
        /// What the server said.
        #[source]
        source: BoxError,
    },
    /// The schema cannot be made safe.
    #[error("schema `{schema}` cannot be protected: {what}")]
    Refused {
        /// The schema.
        schema: String,
        /// What is wrong and what to write instead.
        what: String,
    },
    /// A file began or ended a transaction.
    #[error(
        "migration `{name}` ended its transaction; remove `begin`, `commit` and `rollback` from it and clean up what it left"
    )]
    LeftTransaction {
        /// Its name.
        name: &'static str,
    },
    /// Another run or a request holds a lock for too long.
    #[error("schema `{schema}` is in use; try again when there is less work")]
    Busy {
        /// The schema.
        schema: String,
    },
    /// The server failed.
    #[error("the database failed during migrations")]
    Database(#[source] BoxError),
}

/// A line of a file, if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " at line {line}"))
    }
}

impl MigrateError {
    /// Sorts a failure of a file, or of the protection that follows it.
    pub(super) fn statement(
        schema: &str,
        migration: Option<&Migration>,
        error: sqlx::Error,
    ) -> Self {
        let schema = schema.to_owned();
        let details = error.as_database_error().and_then(|e| e.try_downcast_ref());
        match (details.map(PgDatabaseError::code), migration) {
            (Some("SA001"), _) => {
                Self::Refused { schema, what: details.map_or("", |e| e.message()).to_owned() }
            }
            (Some("55P03"), _) => Self::Busy { schema },
            (_, Some(migration)) => Self::Failed {
                schema,
                name: migration.name,
                line: Line(details.and_then(|e| line_of(e, migration.sql))),
                source: error.into(),
            },
            (_, None) => Self::Database(error.into()),
        }
    }
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The server counts characters from one.
fn line_of(error: &PgDatabaseError, sql: &str) -> Option<usize> {
    match error.position()? {
        PgErrorPosition::Original(at) => {
            Some(sql.chars().take(at.saturating_sub(1)).filter(|c| *c == '\n').count() + 1)
        }
        PgErrorPosition::Internal { .. } => None,
    }
}
