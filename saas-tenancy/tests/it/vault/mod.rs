//! Keys in PostgreSQL: the contract, the walls, several processes, rotation under load, erasure.

mod members;
mod processes;
mod rotation;
mod walls;

use std::{path::PathBuf, sync::Arc, time::Duration};

use saas_core::{Actor, Clock, RequestId, Scope, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, TenantStore,
    db::{DatabaseOptions, ServerAddress, TenantDatabases, TenantDb},
    migrate::{self, Migrations},
    provision::{APP_ROLE, Provisioner},
    store::{ChangeListener, DEFAULT_SERVER, PostgresTenantStore, postgres::MIGRATIONS},
    vault::{Column, FileKeyEncryption, PostgresKeyStore, TenantKeys, Vault, VaultError},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::database::server::{Db, key};

/// How long a change may take to be seen everywhere.
const SECOND: Duration = Duration::from_secs(1);

const TAX_ID: Column = Column::new("members", "tax_id");

const MEMBERS: Migrations = Migrations::new(&[(
    "1_members",
    "create table members (
         id uuid primary key,
         tax_id bytea not null,
         tax_id_index bytea
     );
     create unique index on members (tax_id_index);",
)]);

/// A database with the control plane and members of tenants in it, and a file of keys.
struct Bank {
    db: Db,
    clock: Clock,
    dir: tempfile::TempDir,
}

/// What one process of the application has.
struct Process {
    databases: TenantDatabases,
    store: Arc<PostgresTenantStore>,
    kek: FileKeyEncryption,
    vault: Vault,
    _listener: ChangeListener,
}

impl Bank {
    async fn new() -> Self {
        let db = Db::new().await;
        let conn = &mut db.connect().await;
        let control = Migrations::new(MIGRATIONS);
        migrate::control_plane(conn, "saas_tenancy", &control).await.unwrap();
        migrate::tenant_plane(conn, migrate::Target::Shared, &MEMBERS).await.unwrap();
        Self { db, clock: Clock::system(), dir: tempfile::tempdir().unwrap() }
    }

    fn app_url(&self) -> SecretString {
        let mut url = self.db.url.clone();
        url.set_username(APP_ROLE).unwrap();
        url.set_password(Some(key().password(APP_ROLE).expose_secret())).unwrap();
        url.to_string().into()
    }

    fn address(&self) -> ServerAddress {
        let address = ServerAddress::new(DEFAULT_SERVER, &self.app_url()).unwrap();
        address.with_admin(&self.db.url.to_string().into()).unwrap().with_key(key())
    }

    fn key_file(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    fn process(&self) -> Process {
        let options = DatabaseOptions::new();
        let databases = TenantDatabases::new(&options, self.address(), [], self.clock.clone());
        let store = Arc::new(PostgresTenantStore::new(databases.clone(), self.clock.clone()));
        // ANCHOR: start
        let kek = FileKeyEncryption::at(self.key_file());
        let keys = PostgresKeyStore::new(databases.clone(), self.clock.clone());
        let keys = TenantKeys::new(Arc::new(keys), Arc::new(kek.clone()), self.clock.clone());
        let (keys, invalidations) = keys.with_invalidations();
        let listener = ChangeListener::spawn(self.app_url(), invalidations);
        let vault = Vault::new(keys);
        // ANCHOR_END: start
        Process { databases, store, kek, vault, _listener: listener }
    }

    fn scope_of(&self, tenant: TenantId) -> Scope {
        Scope::new(tenant, Actor::Anonymous, RequestId::generate(&self.clock))
    }

    fn scope(&self) -> Scope {
        self.scope_of(TenantId::generate(&self.clock))
    }

    async fn tenant(&self, process: &Process, slug: &str) -> ResolvedTenant {
        let provisioner = Provisioner::new(process.store.clone(), self.address(), MEMBERS)
            .with_databases(process.databases.clone());
        let id = TenantId::generate(&self.clock);
        let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
        let made = provisioner.provision(new).await.unwrap();
        let store: &dyn TenantStore = &*process.store;
        ResolvedTenant::by_slug(store, &made.slug).await.unwrap()
    }
}

impl Process {
    fn db(&self, bank: &Bank, tenant: &ResolvedTenant) -> TenantDb {
        self.databases.scoped(tenant, Actor::Anonymous, RequestId::generate(&bank.clock))
    }
}

/// Tries again and again, and lets others run in between, until it fails as it should.
async fn until_destroyed<T>(mut attempt: impl AsyncFnMut() -> Result<T, VaultError>) {
    let destroyed = async {
        loop {
            match attempt().await {
                Err(VaultError::Destroyed) => return,
                Err(error) => panic!("{error:?}"),
                Ok(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(SECOND, destroyed).await.expect("it is told in time");
}
