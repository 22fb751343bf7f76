//! How a transaction enters its tenant's context.

use uuid::Uuid;

use super::{
    database,
    pool::Target,
    row_level::{self, SCHEMA},
    schema,
};
use crate::{
    placement::Isolation,
    tenant::{Limits, Tenant},
};

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
    pub(super) fn of(tenant: &Tenant, known: Defaults) -> Self {
        match tenant.placement.isolation {
            Isolation::Shared => row_level::session(tenant, known),
            Isolation::Schema => schema::session(tenant, known),
            Isolation::Database => database::session(tenant, known),
        }
    }
}

/// What a connection was told at its start, and need not be told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defaults {
    /// The schema [`SCHEMA`] and the default statement timeout.
    AtStart,
    /// Nothing: a pooler would not pass it on.
    None,
}

/// `BEGIN` and the context in one message. It has no place for parameters, so everything in it is
/// formatted from typed values: names of our own, a UUID, a number.
pub(super) fn begin(role: Option<&str>, schema: &str, tenant: &Tenant, known: Defaults) -> String {
    let mut sql = String::with_capacity(256);
    sql.push_str("begin");
    if let Some(role) = role {
        sql.push_str("; set local role ");
        sql.push_str(role);
    }
    if known == Defaults::None || schema != SCHEMA {
        sql.push_str("; set local search_path = ");
        sql.push_str(schema);
    }
    sql.push_str("; set local app.tenant_id = '");
    sql.push_str(tenant.id.as_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    sql.push('\'');
    if known == Defaults::None || tenant.limits != Limits::default() {
        sql.push_str("; set local statement_timeout = ");
        // Zero would mean no limit at all.
        sql.push_str(&tenant.limits.statement_timeout_ms.max(1).to_string());
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::{Placement, ServerId};
    use crate::tenant::{Settings, Status};
    use saas_core::{Clock, TenantId};

    fn tenant(isolation: Isolation, statement_timeout_ms: u32) -> Tenant {
        let clock = Clock::system();
        Tenant {
            id: TenantId::from_uuid(Uuid::from_u128(42)),
            slug: "acme".parse().unwrap(),
            name: "Acme".into(),
            status: Status::Active,
            placement: Placement { server: ServerId::generate(&clock), isolation },
            settings: Settings::default(),
            limits: Limits { statement_timeout_ms },
            created_at: clock.now(),
            version: 1,
        }
    }

    #[test]
    fn behind_a_pooler_the_whole_context_is_said() {
        let session = Session::of(&tenant(Isolation::Shared, 10_000), Defaults::None);
        assert_eq!(
            session.begin,
            "begin; set local role saas_shared; set local search_path = app; \
             set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'; \
             set local statement_timeout = 10000",
        );
    }

    #[test]
    fn what_the_connection_was_told_at_its_start_is_not_repeated() {
        let session = Session::of(&tenant(Isolation::Shared, 10_000), Defaults::AtStart);
        assert_eq!(
            session.begin,
            "begin; set local role saas_shared; \
             set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'",
        );
    }

    #[test]
    fn a_schema_and_a_limit_of_the_tenants_own_are_always_said() {
        let name = "t_0000000000000000000000000000002a";
        let session = Session::of(&tenant(Isolation::Schema, 0), Defaults::AtStart);
        assert_eq!(
            session.begin,
            format!(
                "begin; set local role {name}; set local search_path = {name}; \
                 set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'; \
                 set local statement_timeout = 1"
            ),
        );
    }

    #[test]
    fn a_tenants_own_database_needs_no_role() {
        let session = Session::of(&tenant(Isolation::Database, 10_000), Defaults::AtStart);
        assert_eq!(
            session.begin,
            "begin; set local app.tenant_id = '00000000-0000-0000-0000-00000000002a'",
        );
    }
}
