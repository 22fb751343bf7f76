//! Tenants get their homes, also after a crash, and leave nothing behind.

mod crash;
mod life;
mod walls;

use std::sync::Arc;

use super::server::{Db, key, texts};
use chrono::{TimeZone, Utc};
use saas_core::{Actor, Clock, RequestId, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, ResolvedTenant, Slug, TenantStore,
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    migrate::{self, Migrations},
    placement::physical_name,
    provision::Provisioner,
    store::{MemoryTenantStore, postgres},
};

const NOTES: Migrations = Migrations::new(&[(
    "1_notes",
    "create table notes (id uuid primary key, next uuid references notes (id), text text not null);
     create table tags (id uuid primary key, note uuid not null references notes (id) on delete restrict)",
)]);

/// Fails at its one file.
const WRONG: Migrations = Migrations::new(&[("1_notes", "create table notes (id nonsense)")]);

/// A control plane with its journal, and what provisions on it.
pub(crate) struct Fleet {
    pub(crate) db: Db,
    clock: Clock,
    store: Arc<MemoryTenantStore>,
    address: ServerAddress,
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        const CONTROL: Migrations = Migrations::new(postgres::MIGRATIONS);
        let db = Db::new().await;
        migrate::control_plane(&mut db.connect().await, "saas_tenancy", &CONTROL).await.unwrap();
        let (clock, _) = Clock::manual(Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap());
        let store = Arc::new(MemoryTenantStore::new(clock.clone()));
        let server = store.servers().await.unwrap()[0].id;
        let address =
            app_address(&db, server).with_admin(&db.url.as_str().into()).unwrap().with_key(key());
        Self { db, clock, store, address }
    }

    pub(crate) fn provisioner(&self, migrations: Migrations) -> Provisioner {
        Provisioner::new(self.store.clone(), self.address.clone(), migrations)
    }

    pub(crate) fn wanted(slug: &str, isolation: Isolation) -> NewTenant {
        // The server outlives a test, and the ids of a clock that stands still repeat.
        let id = TenantId::from_uuid(uuid::Uuid::new_v4());
        NewTenant::new(id, slug.parse().unwrap(), slug, isolation)
    }

    fn databases(&self) -> TenantDatabases {
        let options = DatabaseOptions::new();
        TenantDatabases::new(&options, self.address.clone(), [], self.clock.clone())
    }

    /// Writes a note as the tenant and gives back all that it sees.
    async fn write(&self, databases: &TenantDatabases, slug: &Slug, text: &str) -> Vec<String> {
        let tenant = ResolvedTenant::by_slug(&*self.store, slug).await.unwrap();
        let request = RequestId::generate(&self.clock);
        let mut db = databases.scoped(&tenant, Actor::Anonymous, request);
        let mut tx = db.begin().await.unwrap();
        sqlx::query("insert into notes (id, text) values (gen_random_uuid(), $1)")
            .bind(text)
            .execute(&mut tx)
            .await
            .unwrap();
        let sql = "select text from notes order by text";
        let seen = sqlx::query_scalar(sql).fetch_all(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        seen
    }

    /// Everything on the server that belongs to the tenant.
    async fn traces(&self, id: TenantId) -> Vec<String> {
        let name = physical_name(id);
        let sql = format!(
            "select 'role' from pg_roles where rolname = '{name}'
             union all select 'schema' from pg_namespace where nspname = '{name}'
             union all select 'database' from pg_database where datname = '{name}'
             union all select 'journal' from saas_tenancy.provisioning where tenant_id = '{id}'"
        );
        let mut traces = texts(&mut self.db.connect().await, &sql).await;
        if self.store.by_id(id).await.unwrap().is_some() {
            traces.push("row".to_owned());
        }
        traces
    }

    /// The tenant works and nothing is left to do.
    async fn assert_ready(&self, tenant: &NewTenant) {
        let found = self.store.by_slug(&tenant.slug).await.unwrap().unwrap();
        assert_eq!(found.id, tenant.id);
        assert!(!self.traces(tenant.id).await.contains(&"journal".to_owned()));
        assert_eq!(self.write(&self.databases(), &tenant.slug, "works").await, ["works"]);
    }
}

fn app_address(db: &Db, server: saas_tenancy::ServerId) -> ServerAddress {
    let mut url = db.url.clone();
    url.set_username("saas_app").unwrap();
    let password = key().password("saas_app");
    url.set_password(Some(secrecy::ExposeSecret::expose_secret(&password))).unwrap();
    ServerAddress::new(server, &url.as_str().into()).unwrap()
}
