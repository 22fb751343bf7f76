//! Preparing databases, and giving tenants their homes.
//!
//! # Rules
//! 1. [`bootstrap`] runs at every start, once per server, before migrations.
//! 2. A tenant is made in [`Step`]s. Each may be repeated, and the journal
//!    `saas_tenancy.provisioning` in the control plane says which are done. A tenant resolves only
//!    after the last one.
//! 3. After a crash, [`Provisioner::resume_all`] or the same call again finishes the work.
//! 4. When a step fails for good, everything is removed again, and the slug is free.
//! 5. Two processes never work on the same tenant: a lock of the control plane's database holds
//!    for as long as the work takes.
//! 6. Names of schemas, databases and roles come from the tenant's id only.
//!
//! ```
//! use std::sync::Arc;
//! use saas_core::{Clock, TenantId};
//! use saas_tenancy::{
//!     Isolation, NewTenant, TenantStore,
//!     db::ServerAddress,
//!     migrate::Migrations,
//!     provision::{ProvisionError, Provisioner},
//!     store::MemoryTenantStore,
//! };
//!
//! const TENANT_PLANE: Migrations =
//!     Migrations::new(&[("0001_notes", "create table notes (id uuid primary key, text text);")]);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::system();
//! let store = Arc::new(MemoryTenantStore::new(clock.clone()));
//! let server = store.servers().await?[0].id;
//! let address = ServerAddress::new(server, &"postgres://saas_app@127.0.0.1:1/app".into())?;
//! let provisioner = Provisioner::new(store, address, TENANT_PLANE);
//!
//! let acme = NewTenant::new(TenantId::generate(&clock), "acme".parse()?, "Acme", Isolation::Schema);
//! // The address above has no administrator: that is said before anything is made.
//! let error = provisioner.provision(acme).await.unwrap_err();
//! assert!(matches!(error, ProvisionError::Unprovisionable { .. }));
//! # Ok(())
//! # }
//! ```

#![expect(clippy::disallowed_types, reason = "provisioning runs on an administrator's connection")]

mod error;
mod home;
mod journal;
mod removal;
mod roles;
mod servers;
mod step;
mod verifier;

use std::sync::Arc;

use saas_core::TenantId;

use crate::{
    db::{ServerAddress, TenantDatabases},
    error::TenancyError,
    migrate::Migrations,
    placement::Isolation,
    store::{TenantChange, TenantStore},
    tenant::{NewTenant, Status, Tenant},
};

pub use error::ProvisionError;
pub use roles::{APP_ROLE, AppPassword, bootstrap};
pub use step::Step;

use journal::{Begun, Journal};
use servers::Servers;

/// Makes tenants and their homes, and removes them. See the [module docs](self).
#[derive(Debug, Clone)]
pub struct Provisioner {
    store: Arc<dyn TenantStore>,
    servers: Servers,
    migrations: Migrations,
    databases: Option<TenantDatabases>,
}

/// What [`Provisioner::resume_all`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Resumed {
    /// Tenants that are ready now.
    pub ready: Vec<TenantId>,
    /// Tenants whose removal is finished, or of which there was nothing yet.
    pub removed: Vec<TenantId>,
    /// What could not be finished. One tenant's failure does not stop the others.
    pub failed: Vec<ProvisionError>,
}

impl Provisioner {
    /// Provisions on the `control` server, which also holds the control plane. `migrations` are
    /// those of the tenant plane.
    #[must_use]
    pub fn new(
        store: Arc<dyn TenantStore>,
        control: ServerAddress,
        migrations: Migrations,
    ) -> Self {
        Self { store, servers: Servers::new(control), migrations, databases: None }
    }

    /// Provisions on another server too.
    #[must_use]
    pub fn with_server(mut self, server: ServerAddress) -> Self {
        self.servers.add(server);
        self
    }

    /// Closes the idle connections of these to a tenant's database before it is dropped.
    #[must_use]
    pub fn with_databases(self, databases: TenantDatabases) -> Self {
        Self { databases: Some(databases), ..self }
    }

    /// Makes a tenant and its home. Repeating the call with the same id goes on where it stopped.
    ///
    /// # Errors
    /// [`ProvisionError::Store`] when the slug is taken or the store fails,
    /// [`ProvisionError::Unprovisionable`] when an address or a key is missing,
    /// [`ProvisionError::Failed`] when a step failed for good and all is removed again,
    /// [`ProvisionError::Interrupted`] when it may work later.
    pub async fn provision(&self, tenant: NewTenant) -> Result<Arc<Tenant>, ProvisionError> {
        self.servers.require(tenant.isolation)?;
        let mut journal = self.journal(tenant.isolation, tenant.id).await?;
        if let Some(ready) = self.store.by_slug(&tenant.slug).await?
            && ready.id == tenant.id
        {
            return Ok(ready);
        }
        let tenant = self.begin(&mut journal, tenant).await?;
        self.finish(&mut journal, &tenant, Step::of(tenant.placement.isolation)).await?;
        Ok(tenant)
    }

    /// Finishes what a crash or a busy server interrupted: for the start of the application.
    ///
    /// # Errors
    /// [`ProvisionError::Database`] when the journal cannot be read.
    pub async fn resume_all(&self) -> Result<Resumed, ProvisionError> {
        let mut conn = self.servers.control(Isolation::default()).await?;
        let mut resumed = Resumed::default();
        for tenant in journal::unfinished(&mut conn).await? {
            match self.resume(tenant).await {
                Ok(Outcome::Ready) => resumed.ready.push(tenant),
                Ok(Outcome::Removed) => resumed.removed.push(tenant),
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, error = &error as &dyn std::error::Error,
                        "cannot finish the work on a tenant's home");
                    resumed.failed.push(error);
                }
            }
        }
        Ok(resumed)
    }

    /// Removes a tenant, its data and its name from the databases. From the first moment on it does
    /// not resolve. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`ProvisionError::Store`] or [`ProvisionError::Database`] when something is left; the next
    /// call or [`resume_all`](Self::resume_all) goes on.
    pub async fn deprovision(&self, id: TenantId) -> Result<(), ProvisionError> {
        let Some(tenant) = self.store.by_id(id).await? else { return Ok(()) };
        let mut journal = self.journal(tenant.placement.isolation, id).await?;
        journal.open().await?;
        if tenant.status != Status::Deleting {
            let change = TenantChange { status: Some(Status::Deleting), ..TenantChange::default() };
            match self.store.update(id, change, None).await {
                // Another process removed it before this one had the lock.
                Err(TenancyError::NotFound) => return journal.close().await,
                other => other?,
            };
        }
        self.remove(&mut journal, &tenant).await
    }

    /// Runs the first `count` steps and stops there, as if the process had died.
    ///
    /// # Errors
    /// As [`provision`](Self::provision).
    ///
    /// # Panics
    /// When the isolation has fewer steps.
    #[cfg(feature = "test-util")]
    pub async fn provision_partly(
        &self,
        tenant: NewTenant,
        count: usize,
    ) -> Result<(), ProvisionError> {
        let mut journal = self.journal(tenant.isolation, tenant.id).await?;
        let steps = &Step::of(tenant.isolation)[..count];
        if steps.is_empty() {
            return journal.open().await.map(|_| ());
        }
        let tenant = self.begin(&mut journal, tenant).await?;
        self.finish_steps(&mut journal, &tenant, steps).await.map_err(|(_, error)| error)
    }
}

enum Outcome {
    Ready,
    Removed,
}

impl Provisioner {
    async fn journal(
        &self,
        isolation: Isolation,
        tenant: TenantId,
    ) -> Result<Journal, ProvisionError> {
        Journal::lock(self.servers.control(isolation).await?, tenant).await
    }

    /// The first step. The journal is opened before the row is made, so that no row is forgotten.
    async fn begin(
        &self,
        journal: &mut Journal,
        tenant: NewTenant,
    ) -> Result<Arc<Tenant>, ProvisionError> {
        let begun = journal.open().await?;
        let tenant = match self.store.insert(tenant).await {
            Ok(tenant) => tenant,
            Err(error) => {
                // Nothing was made, unless an earlier call made it.
                if begun == Begun::Now && !ProvisionError::is_transient(&error) {
                    journal.close().await?;
                }
                return Err(error.into());
            }
        };
        if tenant.status == Status::Deleting {
            return Err(TenancyError::SlugTaken.into());
        }
        journal.record(Step::Insert).await?;
        Ok(tenant)
    }

    /// Goes on with one tenant of the journal.
    async fn resume(&self, id: TenantId) -> Result<Outcome, ProvisionError> {
        let mut journal = self.journal(Isolation::default(), id).await?;
        let Some(tenant) = self.store.by_id(id).await? else {
            journal.close().await?;
            return Ok(Outcome::Removed);
        };
        if tenant.status == Status::Deleting {
            self.remove(&mut journal, &tenant).await?;
            return Ok(Outcome::Removed);
        }
        self.finish(&mut journal, &tenant, Step::of(tenant.placement.isolation)).await?;
        Ok(Outcome::Ready)
    }

    /// Runs the steps that are not done; removes everything when one fails for good.
    async fn finish(
        &self,
        journal: &mut Journal,
        tenant: &Tenant,
        steps: &[Step],
    ) -> Result<(), ProvisionError> {
        let id = tenant.id;
        let Err((step, error)) = self.finish_steps(journal, tenant, steps).await else {
            tracing::info!(tenant.id = %id, isolation = %tenant.placement.isolation, "made a tenant");
            return journal.close().await;
        };
        if error.is_transient_here() {
            return Err(ProvisionError::Interrupted { tenant: id, step, source: error.into() });
        }
        if let Err(left) = self.remove(journal, tenant).await {
            tracing::error!(tenant.id = %id, error = &left as &dyn std::error::Error,
                "cannot remove what was made for a tenant; it is tried again at the next start");
            return Err(ProvisionError::Interrupted { tenant: id, step, source: error.into() });
        }
        match error {
            missing @ ProvisionError::Unprovisionable { .. } => Err(missing),
            error => Err(ProvisionError::Failed { tenant: id, step, source: error.into() }),
        }
    }

    async fn finish_steps(
        &self,
        journal: &mut Journal,
        tenant: &Tenant,
        steps: &[Step],
    ) -> Result<(), (Step, ProvisionError)> {
        let done = journal.done().await.map_err(|error| (Step::Insert, error))?;
        for &step in steps {
            if !done.iter().any(|name| name == step.as_str()) {
                self.run(step, tenant).await.map_err(|error| (step, error))?;
                journal.record(step).await.map_err(|error| (step, error))?;
            }
        }
        Ok(())
    }

    async fn run(&self, step: Step, tenant: &Tenant) -> Result<(), ProvisionError> {
        match step {
            // The row is there: it is what the steps are read from.
            Step::Insert => Ok(()),
            Step::CreateRole => home::create_role(&self.servers, tenant).await,
            Step::CreateSchema => home::create_schema(&self.servers, tenant).await,
            Step::CreateDatabase => home::create_database(&self.servers, tenant).await,
            Step::SecureDatabase => home::secure(&self.servers, tenant).await,
            Step::Migrate => home::migrate(&self.servers, tenant, &self.migrations).await,
            Step::MarkReady => Ok(self.store.mark_ready(tenant.id).await?),
        }
    }

    /// Removes home, row and journal, in this order, so that a crash leaves what resumes the work.
    async fn remove(&self, journal: &mut Journal, tenant: &Tenant) -> Result<(), ProvisionError> {
        // From here on no step counts as done.
        journal.forget_steps().await?;
        if let Some(databases) = &self.databases {
            databases.forget(tenant);
        }
        removal::remove_home(&self.servers, tenant).await?;
        self.store.remove(tenant.id).await?;
        tracing::info!(tenant.id = %tenant.id, "removed a tenant");
        journal.close().await
    }
}
