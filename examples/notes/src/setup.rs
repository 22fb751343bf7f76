//! What is done before the first request: roles, tables, tenants.

#![expect(clippy::disallowed_types, reason = "migrations run on an administrator's connection")]

use std::sync::Arc;

use saas_core::{BoxError, Clock, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, TenantStore, check,
    db::{DatabaseKey, DatabaseOptions, ServerAddress, TenantDatabases},
    embedded::EmbeddedPostgres,
    migrate::{self, Migrations},
    provision::{APP_ROLE, AppPassword, Provisioner, bootstrap},
    store::{CachedTenantStore, DEFAULT_SERVER, PostgresTenantStore, postgres},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};

// ANCHOR: migrations
/// The tables of every tenant.
const NOTES: Migrations =
    Migrations::new(&[("0001_notes", include_str!("../migrations/0001_notes.sql"))]);
// ANCHOR_END: migrations

/// What the application works with.
pub(crate) struct Backend {
    pub(crate) clock: Clock,
    pub(crate) databases: TenantDatabases,
    pub(crate) store: Arc<dyn TenantStore>,
}

// ANCHOR: prepare
/// Prepares a new server and makes two tenants.
pub(crate) async fn prepare(server: &EmbeddedPostgres) -> Result<Backend, BoxError> {
    let clock = Clock::system();
    let key = DatabaseKey::generate();

    // As the administrator: the roles, the locked database, the control plane.
    let admin = server.superuser_url();
    let mut conn = PgConnection::connect(admin.expose_secret()).await?;
    bootstrap(&mut conn, AppPassword::Derived(&key)).await?;
    let tenancy = Migrations::new(postgres::MIGRATIONS);
    migrate::control_plane(&mut conn, "saas_tenancy", &tenancy).await?;
    conn.close().await?;

    // The application itself logs in as a role that can do nothing by itself.
    let password = key.password(APP_ROLE);
    let (password, port) = (password.expose_secret(), server.port());
    let app: SecretString =
        format!("postgres://{APP_ROLE}:{password}@127.0.0.1:{port}/postgres").into();
    let address = ServerAddress::new(DEFAULT_SERVER, &app)?.with_admin(admin)?.with_key(key);
    let databases =
        TenantDatabases::new(&DatabaseOptions::new(), address.clone(), [], clock.clone());

    let store = PostgresTenantStore::new(databases.clone(), clock.clone());
    let store = Arc::new(CachedTenantStore::new(Arc::new(store), clock.clone()));
    let provisioner = Provisioner::new(store.clone(), address, NOTES);
    for (slug, isolation) in [("acme", Isolation::Shared), ("globex", Isolation::Schema)] {
        let id = TenantId::generate(&clock);
        provisioner.provision(NewTenant::new(id, slug.parse()?, slug, isolation)).await?;
    }

    // Refuses to go on over a database that does not keep tenants apart.
    let mut conn = PgConnection::connect(app.expose_secret()).await?;
    check::server(&mut conn).await?.into_result()?;
    Ok(Backend { clock, databases, store })
}
// ANCHOR_END: prepare
