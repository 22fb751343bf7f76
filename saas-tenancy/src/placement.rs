//! Where a tenant's data lives: which server, and behind which wall.

use std::{fmt, str::FromStr};

use saas_core::TenantId;
use serde::{Deserialize, Serialize};

saas_core::id! {
    /// A database server of the fleet.
    pub struct ServerId;
}

/// What separates one tenant's data from another's. Handlers do not know which.
///
/// | isolation | where the tables are | what holds the wall | how many |
/// |---|---|---|---|
/// | [`Shared`](Self::Shared) | schema `app`, all tenants together | row-level security | no limit seen |
/// | [`Schema`](Self::Schema) | schema `t_<uuid>` | a role per schema | hundreds per database |
/// | [`Database`](Self::Database) | database `t_<uuid>` | a login per database | tens to low hundreds per server |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Rows of one set of tables, told apart by `tenant_id`.
    #[default]
    Shared,
    /// A schema of its own in the server's common database.
    Schema,
    /// A database of its own.
    Database,
}

impl Isolation {
    /// All three, from the lightest to the strongest.
    pub const ALL: [Self; 3] = [Self::Shared, Self::Schema, Self::Database];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Schema => "schema",
            Self::Database => "database",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Isolation {
    type Err = UnknownIsolation;

    fn from_str(text: &str) -> Result<Self, UnknownIsolation> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(UnknownIsolation)
    }
}

/// A text names no [`Isolation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of `shared`, `schema` or `database`")]
pub struct UnknownIsolation;

/// Where a tenant's data lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Placement {
    /// The server that holds it.
    pub server: ServerId,
    /// The wall around it.
    pub isolation: Isolation,
}

/// A database server of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its identity.
    pub id: ServerId,
    /// What operators call it.
    pub name: String,
    /// The name under which its address and password are configured; never the secret itself.
    pub secret_ref: String,
    /// How many tenants it should take at most; `None` is no limit.
    pub capacity: Option<u32>,
}

/// The name of a tenant's schema, database and role: `t_` and the 32 hex digits of its id.
///
/// Made from the id and never from the slug: it is injective, fits PostgreSQL's 63 bytes, needs no
/// quoting and survives a change of name.
///
/// ```
/// use saas_core::TenantId;
/// use saas_tenancy::placement::physical_name;
///
/// let id: TenantId = "018f4d3c-0000-7000-8000-00000000002a".parse()?;
/// assert_eq!(physical_name(id), "t_018f4d3c00007000800000000000002a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn physical_name(tenant: TenantId) -> String {
    format!("t_{}", tenant.as_uuid().simple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn physical_names_are_injective_short_and_plain(a: u128, b: u128) {
            let name = |n| physical_name(TenantId::from_uuid(Uuid::from_u128(n)));
            prop_assert_eq!(name(a) == name(b), a == b);
            prop_assert!(name(a).len() <= 63);
            prop_assert!(name(a).chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        }
    }

    #[test]
    fn isolation_reads_back_from_its_name() {
        for isolation in Isolation::ALL {
            assert_eq!(isolation.as_str().parse(), Ok(isolation));
        }
        assert_eq!("public".parse::<Isolation>(), Err(UnknownIsolation));
    }
}
