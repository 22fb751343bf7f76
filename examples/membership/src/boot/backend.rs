//! The application's database and all that works on it, from open to stop.

use std::sync::Arc;

use saas_core::Clock;
use saas_rbac::{operate::Operator, password::PasswordOptions, user::Users};
use saas_tenancy::{
    TenantStore,
    db::TenantDatabases,
    provision::{AppPassword, Provisioner},
    store::{CachedTenantStore, ChangeListener, ChangeSink, PostgresTenantStore},
    vault::{FileKeyEncryption, KeyInvalidations, PostgresKeyStore, TenantKeys, Vault},
};
use secrecy::SecretString;

use super::{
    admin,
    check::Fault,
    data::DataDir,
    migrations::TENANT_PLANE,
    place::{Place, Private},
    plane::{self, Plane},
    progress::Progress,
};
use crate::{
    access::MODEL,
    auth::{Foundations, Identity, Mailing, Secrets, Started},
    config::{Config, PublicUrl},
    failure::Failure,
};

/// How many names of each kind are remembered. A tenant is small, but memory of an idle process
/// shall be, too.
const CACHED_NAMES: u64 = 2_000;

/// The application's database, and all that works on it.
#[derive(Debug)]
pub struct Backend {
    clock: Clock,
    place: Place,
    databases: TenantDatabases,
    store: Arc<CachedTenantStore>,
    provisioner: Provisioner,
    kek: FileKeyEncryption,
    vault: Vault,
    /// What the caches of this process must hear, until somebody listens.
    sinks: Vec<Box<dyn ChangeSink>>,
    listener: Option<ChangeListener>,
}

impl Backend {
    /// Finds the database, or starts the private one.
    ///
    /// # Errors
    /// [`Failure::Embedded`] when the private server does not start, [`Failure::InUse`] when
    /// another process is just starting or stopping it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn open(
        config: &Config,
        data: &DataDir,
        clock: &Clock,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let place = Place::find(&config.database, data, &config.env, progress).await?;
        let address = place.address()?;
        let databases = TenantDatabases::new(&config.options, address.clone(), [], clock.clone());
        let tenants = Arc::new(PostgresTenantStore::new(databases.clone(), clock.clone()));
        let (store, invalidations) = CachedTenantStore::new(tenants, clock.clone())
            .with_capacity(CACHED_NAMES)
            .with_invalidations();
        let store = Arc::new(store);
        let key_file = config.vault_keys.clone().unwrap_or_else(|| data.vault_keys());
        let kek = FileKeyEncryption::at(key_file);
        let (vault, key_invalidations) = vault(&databases, kek.clone(), clock);
        let provisioner = Provisioner::new(store.clone(), address, TENANT_PLANE)
            .with_databases(databases.clone());
        Ok(Self {
            clock: clock.clone(),
            place,
            databases,
            store,
            provisioner,
            kek,
            vault,
            sinks: vec![Box::new(invalidations), Box::new(key_invalidations)],
            listener: None,
        })
    }

    /// Begins to sign people in, and to hear what other processes change: from now on answers come
    /// from memory. The tables must be there.
    ///
    /// # Errors
    /// [`Failure::Needs`] when there is no key, [`Failure::Other`] when the signing keys cannot be
    /// read or made.
    pub async fn sign_people_in(
        &mut self,
        public_url: &PublicUrl,
        mailing: Mailing,
    ) -> Result<Identity, Failure> {
        let foundations = Foundations {
            databases: &self.databases,
            clock: &self.clock,
            secrets: &self.secrets()?,
            public_url,
            mailing,
            passwords: PasswordOptions::new(),
        };
        let started = Identity::start(foundations).await;
        let Started { identity, mut sinks } =
            started.map_err(Failure::other("read the keys that sign access tokens"))?;
        sinks.append(&mut self.sinks);
        // A transaction pooler swallows notifications, so the administrator's way goes first.
        let listen = self.place.admin.as_ref().unwrap_or(&self.place.app).clone();
        self.listener = Some(ChangeListener::spawn_all(listen, sinks));
        Ok(identity)
    }

    /// The people, for commands.
    #[must_use]
    pub fn users(&self) -> Users {
        Users::new(self.databases.clone(), self.clock.clone())
    }

    /// What the program itself does to people.
    #[must_use]
    pub fn operator(&self) -> Operator {
        Operator::new(self.databases.clone(), MODEL, self.clock.clone())
    }

    /// What every other key is made of.
    fn secrets(&self) -> Result<Secrets, Failure> {
        let key = self.place.key.as_ref().ok_or(Failure::Needs(
            "signing people in needs a key: set `SAAS_SECRET_KEY`, the same for all processes, for \
             example to the output of `openssl rand -hex 32`",
        ))?;
        Secrets::of(key).map_err(Failure::other("read the secret key"))
    }

    /// Makes the database ready to serve: roles, tables, unfinished tenants, checks. Repeating it
    /// changes nothing. Without an administrator only the checks are made.
    ///
    /// # Errors
    /// [`Failure::Unsafe`] when the database would not keep tenants apart, [`Failure::KeyFile`] when
    /// the vault's keys cannot be used, and whatever stops a migration.
    pub async fn prepare(&self, progress: &Progress) -> Result<(), Failure> {
        // Made with the first secret; one that is there must be usable.
        if self.kek.path().exists() {
            self.kek.check()?;
        }
        let Some(admin) = &self.place.admin else {
            tracing::warn!("`ADMIN_DATABASE_URL` is not set: nothing is migrated or provisioned");
            return self.refuse_unsafe(progress).await;
        };
        progress.step("preparing roles");
        self.bootstrap(admin).await?;
        progress.step("migrating the control plane");
        plane::migrate(admin, &Plane::Control).await?;
        progress.step("finishing what was interrupted");
        self.resume().await?;
        progress.step("migrating the tenants' tables");
        for tenant in plane::all(&*self.store).await? {
            plane::migrate(admin, &tenant).await?;
        }
        self.refuse_unsafe(progress).await
    }

    /// Every place that has tables of its own. Before the first migration of the control plane
    /// nobody knows of tenants.
    ///
    /// # Errors
    /// [`Failure::Needs`] when there is no administrator, [`Failure::Tenancy`] when the tenants
    /// cannot be listed.
    pub async fn planes(&self) -> Result<Vec<Plane>, Failure> {
        let control = plane::status(self.admin()?, &Plane::Control).await?;
        if control.iter().any(|one| one.applied_at.is_none()) {
            return Ok(vec![Plane::Control, Plane::Shared]);
        }
        let mut planes = vec![Plane::Control];
        planes.extend(plane::all(&*self.store).await?);
        Ok(planes)
    }

    /// How many migrations are pending, over all places.
    ///
    /// # Errors
    /// As [`planes`](Self::planes), and whatever refuses the next run of the migrations.
    pub async fn pending(&self) -> Result<usize, Failure> {
        let mut pending = 0;
        for plane in self.planes().await? {
            let standing = plane::status(self.admin()?, &plane).await?;
            pending += standing.iter().filter(|one| one.applied_at.is_none()).count();
        }
        Ok(pending)
    }

    /// Refuses work on tenants before there is a table of tenants.
    ///
    /// # Errors
    /// [`Failure::Needs`] when the control plane is not migrated.
    pub(crate) async fn require_tables(&self) -> Result<(), Failure> {
        // Without an administrator nobody can tell, and the first statement will.
        let Ok(admin) = self.admin() else { return Ok(()) };
        let standing = plane::status(admin, &Plane::Control).await?;
        if standing.iter().any(|one| one.applied_at.is_none()) {
            let text = "the tables of this version are not made yet: run `membership migrate run \
                        --all` first";
            return Err(Failure::Needs(text));
        }
        Ok(())
    }

    /// The login of a tenant that has a database for itself; `name` is its role and its database.
    pub(super) fn login_of(&self, name: &str) -> Result<SecretString, Failure> {
        self.place.login_of(name)
    }

    /// The administrator's login.
    ///
    /// # Errors
    /// [`Failure::Needs`] when there is none.
    pub fn admin(&self) -> Result<&SecretString, Failure> {
        self.place.admin.as_ref().ok_or(Failure::Needs(
            "this needs an administrator: set `ADMIN_DATABASE_URL`, for example to \
             `postgres://admin:password@db.example.com:5432/app`",
        ))
    }

    /// The application's login.
    #[must_use]
    pub const fn app(&self) -> &SecretString {
        &self.place.app
    }

    /// Whether this process runs the private server.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self.place.private, Private::Ours { .. })
    }

    /// Whether another process of this program runs the private server.
    #[must_use]
    pub const fn is_attached(&self) -> bool {
        matches!(self.place.private, Private::Attached)
    }

    /// Where the time comes from.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The databases of all tenants.
    #[must_use]
    pub const fn databases(&self) -> &TenantDatabases {
        &self.databases
    }

    /// The tenants.
    #[must_use]
    pub fn store(&self) -> &dyn TenantStore {
        &*self.store
    }

    /// The tenants, to be kept.
    #[must_use]
    pub fn shared_store(&self) -> Arc<dyn TenantStore> {
        self.store.clone()
    }

    /// Seals secrets, of tenants and of the application itself.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What makes tenants.
    #[must_use]
    pub const fn provisioner(&self) -> &Provisioner {
        &self.provisioner
    }

    /// Lets go of the database, and stops it when it is private.
    ///
    /// # Errors
    /// [`Failure::Embedded`] when the private server does not stop in time.
    pub async fn stop(self) -> Result<(), Failure> {
        drop(self.listener);
        if let Private::Ours { server, held } = self.place.private {
            server.stop().await?;
            drop(held);
        }
        Ok(())
    }

    async fn refuse_unsafe(&self, progress: &Progress) -> Result<(), Failure> {
        progress.step("checking that tenants are kept apart");
        let faults = self.check().await?;
        for fault in &faults {
            let Fault { place, what, fix, .. } = fault;
            if fault.refuses() {
                tracing::error!(place, fix, "{what}");
            } else {
                tracing::warn!(place, fix, "{what}");
            }
        }
        if faults.iter().any(Fault::refuses) { Err(Failure::Unsafe) } else { Ok(()) }
    }

    async fn bootstrap(&self, admin: &SecretString) -> Result<(), Failure> {
        let key = self.place.key()?;
        let password = match &key {
            Some(key) if self.is_ours() => AppPassword::Derived(key),
            _ => AppPassword::Kept,
        };
        admin::bootstrap(admin, password).await
    }

    async fn resume(&self) -> Result<(), Failure> {
        let resumed = self.provisioner.resume_all().await?;
        for error in &resumed.failed {
            tracing::error!(error = %error, "a tenant is still not ready");
        }
        let (ready, removed) = (resumed.ready.len(), resumed.removed.len());
        if ready + removed > 0 {
            tracing::info!(ready, removed, "finished tenants that were interrupted");
        }
        Ok(())
    }
}

/// A vault with its keys in the control plane, wrapped by those of a file.
fn vault(
    databases: &TenantDatabases,
    kek: FileKeyEncryption,
    clock: &Clock,
) -> (Vault, KeyInvalidations) {
    let store = PostgresKeyStore::new(databases.clone(), clock.clone());
    let keys = TenantKeys::new(Arc::new(store), Arc::new(kek), clock.clone());
    let (keys, invalidations) = keys.with_invalidations();
    (Vault::new(keys), invalidations)
}
