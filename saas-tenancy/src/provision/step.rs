//! The units of work that give a tenant its home.

use std::fmt;

use crate::placement::Isolation;

/// One unit of work. Each may be repeated at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The tenant's row, which does not resolve yet.
    Insert,
    /// The role that has the rights on the tenant's tables.
    CreateRole,
    /// The tenant's schema.
    CreateSchema,
    /// The tenant's database.
    CreateDatabase,
    /// The locks and extensions of the tenant's database.
    SecureDatabase,
    /// The tables.
    Migrate,
    /// The tenant resolves from now on.
    MarkReady,
}

impl Step {
    /// What a tenant needs, in this order.
    #[must_use]
    pub const fn of(isolation: Isolation) -> &'static [Self] {
        match isolation {
            Isolation::Shared => &[Self::Insert, Self::Migrate, Self::MarkReady],
            Isolation::Schema => &[
                Self::Insert,
                Self::CreateRole,
                Self::CreateSchema,
                Self::Migrate,
                Self::MarkReady,
            ],
            Isolation::Database => &[
                Self::Insert,
                Self::CreateRole,
                Self::CreateDatabase,
                Self::SecureDatabase,
                Self::Migrate,
                Self::MarkReady,
            ],
        }
    }

    /// The name in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::CreateRole => "create_role",
            Self::CreateSchema => "create_schema",
            Self::CreateDatabase => "create_database",
            Self::SecureDatabase => "secure_database",
            Self::Migrate => "migrate",
            Self::MarkReady => "mark_ready",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
