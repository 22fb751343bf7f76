use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use saas_core::{Actor, Clock, RequestId, Scope, TenantId, audit::Client};

use super::{
    control::{self, ControlTx, LookupTx},
    lease::Lease,
    options::{DatabaseOptions, Pooler},
    pool::{ServerPool, Target},
    server::ServerAddress,
    session::{Defaults, Session},
    shares::Shares,
    system::{self, SystemTx},
    transaction::TenantTx,
};
use crate::{
    error::TenancyError,
    placement::{Isolation, ServerId},
    resolved::ResolvedTenant,
};

/// How many connections administration and system work may use per server.
const ADMIN_CONNECTIONS: usize = 4;

/// How many connections the control plane's own tables may use. They are apart from those of tenant
/// data, so that a handler with a transaction on the one never waits for others that have both.
const CONTROL_CONNECTIONS: usize = 8;

/// The databases of all tenants, over all servers of the fleet. One per process; cheap to clone.
#[derive(Debug, Clone)]
pub struct TenantDatabases(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    servers: HashMap<ServerId, Server>,
    control: ServerId,
    /// Tenants to whom something was committed since somebody last asked.
    written: Mutex<BTreeSet<TenantId>>,
}

#[derive(Debug)]
struct Server {
    address: ServerAddress,
    pool: Arc<ServerPool>,
    admin: Arc<ServerPool>,
    control: Arc<ServerPool>,
    shares: Shares,
}

impl TenantDatabases {
    /// The databases on the `control` server, which also holds the control plane, and on `others`.
    /// No connection is opened yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime, because idle connections are closed in the background.
    #[must_use]
    pub fn new(
        options: &DatabaseOptions,
        control: ServerAddress,
        others: impl IntoIterator<Item = ServerAddress>,
        clock: Clock,
    ) -> Self {
        let id = control.id();
        let all = std::iter::once(control).chain(others);
        let servers = all.map(|one| (one.id(), Server::new(options, one, &clock))).collect();
        Self(Arc::new(Inner { clock, servers, control: id, written: Mutex::default() }))
    }

    /// The database of `tenant`, for `actor` in `request`. No connection is taken yet.
    #[must_use]
    pub fn scoped(&self, tenant: &ResolvedTenant, actor: Actor, request: RequestId) -> TenantDb {
        let scope = Scope::new(tenant.id, actor, request);
        TenantDb { databases: self.clone(), tenant: tenant.clone(), scope }
    }

    /// Begins a transaction of the application itself, across the tenants of the control plane's
    /// server. `reason` goes into the system's audit log.
    ///
    /// # Errors
    /// [`TenancyError::Unsafe`] when no admin address is configured, [`TenancyError::Busy`] when no
    /// connection became free in time, [`TenancyError::Database`] when the server refuses.
    pub async fn system(
        &self,
        actor: &Actor,
        request: RequestId,
        reason: &str,
    ) -> Result<SystemTx, TenancyError> {
        let server = self.server(self.0.control)?;
        let admin = server.address.admin.as_ref().ok_or_else(|| {
            TenancyError::Unsafe(
                "this needs an admin connection: set `ADMIN_DATABASE_URL`".to_owned(),
            )
        })?;
        let lease = server.admin.begin(Target::Admin, || Ok(admin.clone()), system::BEGIN).await?;
        SystemTx::begin(lease, actor, request, &self.0.clock, reason).await
    }

    /// Begins a transaction on the control plane, on the rows of `scope`'s tenant.
    ///
    /// # Errors
    /// [`TenancyError::Busy`] when no connection became free in time, [`TenancyError::Database`]
    /// when the server refuses.
    pub async fn control(&self, scope: &Scope) -> Result<ControlTx, TenancyError> {
        let lease = self.begin_control(&control::begin_of_tenant(scope)).await?;
        Ok(ControlTx::new(lease, Some(scope.tenant())))
    }

    /// Begins a transaction on the control plane, on people and their credentials. They belong to
    /// no tenant, so no policy narrows it: for authentication and nothing else.
    ///
    /// # Errors
    /// As [`control`](Self::control).
    pub async fn identity(&self) -> Result<ControlTx, TenancyError> {
        Ok(ControlTx::new(self.begin_control(&control::begin_identity()).await?, None))
    }

    /// The same, where a tenant's rows change with those of a person: when an invitation is taken, or
    /// somebody signs up. The actor of `scope` is the one whose permissions bound what is granted;
    /// without one the application itself grants.
    ///
    /// # Errors
    /// As [`control`](Self::control).
    pub async fn identity_in(&self, scope: &Scope) -> Result<ControlTx, TenancyError> {
        let lease = self.begin_control(&control::begin_identity_in(scope)).await?;
        Ok(ControlTx::new(lease, Some(scope.tenant())))
    }

    /// A transaction of the crate's own stores on the control plane, which only reads.
    pub(crate) async fn lookup(&self) -> Result<LookupTx, TenancyError> {
        let server = self.server(self.0.control)?;
        let connect = || Ok(server.address.app.clone());
        Ok(LookupTx::new(server.pool.begin(Target::App, connect, "begin read only").await?))
    }

    async fn begin_control(&self, begin: &str) -> Result<Lease, TenancyError> {
        let server = self.server(self.0.control)?;
        let connect = || Ok(server.address.app.clone());
        server.control.begin(Target::App, connect, begin).await
    }

    /// A transaction of the crate's own stores on the control plane, which sees and changes the rows
    /// of `tenant`.
    pub(crate) async fn lookup_of(&self, tenant: TenantId) -> Result<LookupTx, TenancyError> {
        let server = self.server(self.0.control)?;
        let connect = || Ok(server.address.app.clone());
        let begin = format!("begin; set local app.tenant_id = '{tenant}'");
        Ok(LookupTx::new(server.pool.begin(Target::App, connect, &begin).await?))
    }

    /// Notes that something of `tenant` was written.
    pub(crate) fn note_written(&self, tenant: TenantId) {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
    }

    /// The tenants whose data this process has changed since the last call.
    pub(crate) fn take_written(&self) -> BTreeSet<TenantId> {
        std::mem::take(&mut *self.0.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `sql`, which yields one text, on an application connection outside of any tenant's
    /// transaction: there it must see no tenant. For tests that look for leaks.
    ///
    /// # Errors
    /// [`TenancyError::Busy`] when no connection became free in time, [`TenancyError::Database`]
    /// when the server refuses.
    #[cfg(feature = "test-util")]
    pub async fn outside_transactions(
        &self,
        sql: &'static str,
    ) -> Result<Option<String>, TenancyError> {
        let server = self.server(self.0.control)?;
        let mut lease = server.pool.acquire(Target::App, || Ok(server.address.app.clone())).await?;
        let seen = sqlx::query_scalar(sql).fetch_one(lease.connection().await?).await?;
        lease.release();
        Ok(seen)
    }

    /// Closes idle connections to a tenant's own database, before it is dropped.
    pub(crate) fn forget(&self, tenant: &crate::Tenant) {
        if let Ok(server) = self.server(tenant.placement.server) {
            server.pool.forget(Target::Tenant(tenant.id));
        }
    }

    fn server(&self, id: ServerId) -> Result<&Server, TenancyError> {
        self.0.servers.get(&id).ok_or_else(|| {
            TenancyError::store(format!("no address is configured for the server {id}"))
        })
    }
}

impl Server {
    fn new(options: &DatabaseOptions, address: ServerAddress, clock: &Clock) -> Self {
        let admin = options.clone().with_connections(ADMIN_CONNECTIONS);
        let control = options.clone().with_connections(CONTROL_CONNECTIONS);
        Self {
            pool: ServerPool::new(options.clone(), clock.clone()),
            admin: ServerPool::new(admin, clock.clone()),
            control: ServerPool::new(control, clock.clone()),
            shares: Shares::new(options.tenant_share),
            address,
        }
    }
}

/// One tenant's database, for one actor in one request.
///
/// It holds no connection until [`begin`](Self::begin), so a request that is turned away has taken
/// none. There is no way to point it at another tenant.
#[derive(Debug, Clone)]
pub struct TenantDb {
    databases: TenantDatabases,
    tenant: ResolvedTenant,
    scope: Scope,
}

impl TenantDb {
    /// The same, asked for by this client: entries of the audit log name it.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { scope: self.scope.with_client(client), ..self }
    }

    /// Who asks for whose data.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The tenant whose data this is.
    #[must_use]
    pub const fn tenant(&self) -> &ResolvedTenant {
        &self.tenant
    }

    /// Begins a transaction in the tenant's context: one message, one round trip.
    ///
    /// The handle is borrowed for as long as the transaction lives.
    ///
    /// # Errors
    /// [`TenancyError::Busy`] when the tenant uses up its share of connections, or the server has
    /// none left, for longer than the acquire timeout; [`TenancyError::Database`] when the server
    /// refuses.
    pub async fn begin(&mut self) -> Result<TenantTx<'_>, TenancyError> {
        let server = self.databases.server(self.tenant.placement.server)?;
        let waiting = server.shares.acquire(self.tenant.id);
        let share = tokio::time::timeout(server.pool.options.acquire_timeout, waiting)
            .await
            .map_err(|_| TenancyError::Busy)?
            .ok_or(TenancyError::Busy)?;
        let known = match server.pool.options.pooler {
            Pooler::None => Defaults::AtStart,
            Pooler::Transaction => Defaults::None,
        };
        let Session { target, begin } = Session::of(&self.tenant, known);
        let connect = || match target {
            Target::Tenant(id) => server.address.of_tenant(id),
            Target::App | Target::Admin => Ok(server.address.app.clone()),
        };
        let mut lease = server.pool.begin(target, connect, &begin).await?.with_share(share);
        if self.tenant.placement.isolation == Isolation::Schema {
            lease = lease.with_plans_of(self.tenant.id);
        }
        Ok(TenantTx::new(lease, &self.scope, &self.databases))
    }
}
