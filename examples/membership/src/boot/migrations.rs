//! The files that make the tenants' tables.

use saas_tenancy::migrate::Migrations;

/// The tables of the tenant plane, written as if there were one tenant.
pub const TENANT_PLANE: Migrations = Migrations::new(&[
    ("0001_members", include_str!("../../migrations/0001_members.sql")),
    ("0002_member_counts", include_str!("../../migrations/0002_member_counts.sql")),
    ("0003_idempotency_keys", include_str!("../../migrations/0003_idempotency_keys.sql")),
    ("0004_member_search", include_str!("../../migrations/0004_member_search.sql")),
]);
