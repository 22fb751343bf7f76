//! Where a run of migrations works.

use saas_core::TenantId;

use crate::{
    placement::{Isolation, physical_name},
    tenant::Tenant,
};

/// A home of tenant tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Schema `app` of a server's common database, for all tenants with shared isolation.
    Shared,
    /// The schema of one tenant in a server's common database.
    Schema(TenantId),
    /// The database of one tenant; the connection must be to it.
    Database(TenantId),
}

impl Target {
    /// The home of a tenant's tables.
    #[must_use]
    pub const fn of(tenant: &Tenant) -> Self {
        match tenant.placement.isolation {
            Isolation::Shared => Self::Shared,
            Isolation::Schema => Self::Schema(tenant.id),
            Isolation::Database => Self::Database(tenant.id),
        }
    }

    /// The schema that holds the tables.
    #[must_use]
    pub fn schema(self) -> String {
        match self {
            Self::Shared | Self::Database(_) => "app".to_owned(),
            Self::Schema(tenant) => physical_name(tenant),
        }
    }

    /// The role with the rights on the tables.
    #[must_use]
    pub fn role(self) -> String {
        match self {
            Self::Shared => "saas_shared".to_owned(),
            Self::Schema(tenant) | Self::Database(tenant) => physical_name(tenant),
        }
    }
}

/// A schema to migrate, with the role to protect it for, if it holds tenant tables.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) schema: String,
    pub(super) role: Option<String>,
}

impl Plane {
    pub(super) fn control(schema: &str) -> Self {
        Self { schema: schema.to_owned(), role: None }
    }

    pub(super) fn tenant(target: Target) -> Self {
        Self { schema: target.schema(), role: Some(target.role()) }
    }
}

/// A name as SQL takes it, whatever it holds.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_name_does_not_end_it() {
        assert_eq!(quoted(r#"a"; drop"#), r#""a""; drop""#);
    }
}
