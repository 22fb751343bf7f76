//! How a transaction enters its tenant's context.

use uuid::Uuid;

use super::{database, pool::Target, row_level, schema};
use crate::{placement::Isolation, tenant::Tenant};

/// Where to connect and what to say first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The database and role to be logged in as.
    pub(super) target: Target,
    /// The message that opens the transaction and sets its context.
    pub(super) begin: String,
}

impl Session {
    /// The session of `tenant`, by its isolation.
    pub(super) fn of(tenant: &Tenant) -> Self {
        match tenant.placement.isolation {
            Isolation::Shared => row_level::session(tenant),
            Isolation::Schema => schema::session(tenant),
            Isolation::Database => database::session(tenant),
        }
    }
}

/// `BEGIN` and the context in one message. It has no place for parameters, so everything in it is
/// formatted from typed values: names of our own, a UUID, a number.
pub(super) fn begin(role: Option<&str>, search_path: &str, tenant: &Tenant) -> String {
    let mut sql = String::with_capacity(256);
    sql.push_str("begin");
    if let Some(role) = role {
        sql.push_str("; set local role ");
        sql.push_str(role);
    }
    sql.push_str("; set local search_path = ");
    sql.push_str(search_path);
    sql.push_str("; set local app.tenant_id = '");
    sql.push_str(tenant.id.as_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    sql.push_str("'; set local statement_timeout = ");
    // Zero would mean no limit at all.
    sql.push_str(&tenant.limits.statement_timeout_ms.max(1).to_string());
    sql
}
