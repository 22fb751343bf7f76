//! The crate's tables: schema `saas_rbac` of the control plane.

/// The name of the schema.
pub const SCHEMA: &str = "saas_rbac";

/// The channel on which the tables tell what changed: `tenant:ID`, `user:ID`, `session:ID`,
/// `key:ID`, `keys`.
pub const CHANNEL: &str = "saas_rbac_changed";

/// The migrations of the schema, for
/// [`migrate::control_plane`](saas_tenancy::migrate::control_plane). They come after those of
/// saas-tenancy.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_access", include_str!("../migrations/0001_access.sql")),
    ("0002_people", include_str!("../migrations/0002_people.sql")),
];
