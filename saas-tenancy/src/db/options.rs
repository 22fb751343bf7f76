use std::time::Duration;

/// How many connections there are and how they are used.
#[derive(Debug, Clone)]
#[must_use]
pub struct DatabaseOptions {
    pub(super) connections: usize,
    pub(super) tenant_share: usize,
    pub(super) pooler: Pooler,
    pub(super) acquire_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_lifetime: Duration,
    pub(super) statement_cache: usize,
}

/// What stands between the application and PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pooler {
    /// Nothing, or a pooler in session mode: prepared statements are kept on the connection.
    #[default]
    None,
    /// A pooler in transaction mode, such as PgBouncer: statements stay unnamed, because the next
    /// transaction may run on another server connection.
    Transaction,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            connections: 20,
            tenant_share: 10,
            pooler: Pooler::None,
            acquire_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(1800),
            statement_cache: 512,
        }
    }
}

impl DatabaseOptions {
    /// 20 connections per server, of which one tenant may use 10, without a pooler.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections to open to one server at most for the data of tenants, over all its
    /// databases. At least 1. One tenant may use half of them, until
    /// [`with_tenant_share`](Self::with_tenant_share) says otherwise. Administration may use four
    /// more, and the control plane's own tables eight.
    pub fn with_connections(self, connections: usize) -> Self {
        let connections = connections.max(1);
        Self { connections, tenant_share: connections.div_ceil(2), ..self }
    }

    /// How many connections one tenant may use at the same time. At least 1.
    pub fn with_tenant_share(self, tenant_share: usize) -> Self {
        Self { tenant_share: tenant_share.max(1), ..self }
    }

    /// What stands between the application and PostgreSQL.
    pub const fn with_pooler(self, pooler: Pooler) -> Self {
        Self { pooler, ..self }
    }

    /// How long to wait for a connection before [`TenancyError::Busy`](crate::TenancyError::Busy).
    pub const fn with_acquire_timeout(self, acquire_timeout: Duration) -> Self {
        Self { acquire_timeout, ..self }
    }

    /// How long a connection may stay unused before it is closed.
    pub const fn with_idle_timeout(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout, ..self }
    }

    /// How long a connection may live. A backend that has touched many schemas keeps their
    /// descriptions in memory and never gives it back.
    pub const fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime, ..self }
    }

    /// How many prepared statements to keep per connection. Tenants with schemas of their own that
    /// come back to a connection keep theirs apart, so they need more.
    pub const fn with_statement_cache(self, statement_cache: usize) -> Self {
        Self { statement_cache, ..self }
    }
}
