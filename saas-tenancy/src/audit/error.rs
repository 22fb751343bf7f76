use saas_core::{BoxError, Problem};

use crate::error::TenancyError;

/// Why the audit log could not be written, read or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The entry is of another tenant, actor or request than the transaction.
    #[error("the audit entry is not of this transaction; make it from the transaction's scope")]
    Foreign,
    /// The entry has more than 128 KiB.
    #[error("the audit entry is too large; leave details out of its changes")]
    TooLarge,
    /// A cursor was not made by a page before.
    #[error("the cursor is not valid; take `next_cursor` of the page before as it is")]
    BadCursor,
    /// A stored entry cannot be read.
    #[error("audit entry `{0}` cannot be read; verify the log")]
    Damaged(uuid::Uuid),
    /// The chain does not hold what was signed before, so its end is not signed.
    #[error("the audit log differs from its checkpoint {0}; verify it")]
    Broken(i64),
    /// Something needs checkpoints and there are none.
    #[error("no checkpoints are configured; use `AuditLog::with_checkpoints`")]
    NoCheckpoints,
    /// Tenants were to expire together whose logs are not in one place.
    #[error("the tenants do not share one home; expire the logs of each home by themselves")]
    ManyHomes,
    /// An export cannot be read.
    #[error("line {line} of the export is not valid: {what}")]
    Malformed {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The key that signs checkpoints cannot be used.
    #[error("the key of the audit log cannot be used: {0}")]
    Key(&'static str),
    /// A file or a sink failed.
    #[error("a file or a receiver of the audit log failed")]
    Io(#[source] BoxError),
    /// The tenant's database or the control plane failed.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
}

impl From<sqlx::Error> for AuditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Tenancy(error.into())
    }
}

impl From<std::io::Error> for AuditError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Tenancy(error) => error.into(),
            AuditError::BadCursor => Self::new(http::StatusCode::BAD_REQUEST, "bad_cursor")
                .with_detail(error.to_string()),
            error => Self::internal(error),
        }
    }
}
