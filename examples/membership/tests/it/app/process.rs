//! One more process over the same database.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use membership::{app, state::AppState};
use saas_core::Clock;
use saas_tenancy::{
    TenantStore,
    audit::AuditLog,
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    store::{CachedTenantStore, ChangeListener, ChangeSink, PostgresTenantStore},
};
use secrecy::SecretString;
use sqlx::ConnectOptions;
use url::Url;

use super::{App, owners, resolvers, send};

/// How often a change made elsewhere is looked for, and how long to wait in between: a second.
const LOOKS: (usize, Duration) = (100, Duration::from_millis(10));

/// A process of its own: with its own connections, its own cache and its own ear for changes.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) router: Router,
    /// The same without credentials that were not sent.
    pub(crate) strict: Router,
    pub(crate) store: Arc<CachedTenantStore>,
    _listener: ChangeListener,
}

impl Process {
    pub(crate) async fn start(app: &App) -> Self {
        let world = app.world();
        let clock = Clock::system();
        let url = |url: Url| SecretString::from(url.to_string());
        let login = url(world.app_options().to_url_lossy());
        let server = world.store.servers().await.unwrap()[0].id;
        let admin = url(world.server().superuser(world.database()).to_url_lossy());
        let address =
            ServerAddress::new(server, &login).and_then(|one| one.with_admin(&admin)).unwrap();
        let options = DatabaseOptions::new().with_connections(4);
        let databases = TenantDatabases::new(&options, address, [], clock.clone());
        let inner = Arc::new(PostgresTenantStore::new(databases.clone(), clock.clone()));
        let (store, invalidations) =
            CachedTenantStore::new(inner, clock.clone()).with_invalidations();
        let store = Arc::new(store);
        let sinks: Vec<Box<dyn ChangeSink>> = vec![Box::new(invalidations)];
        let (identity, listener) = owners::join(world, &databases, sinks).await;
        let state = AppState {
            audit: AuditLog::new(databases.clone(), store.clone(), clock.clone()),
            clock,
            databases,
            store: store.clone(),
            identity: identity.clone(),
            ..app.state()
        };
        let strict = app::router(state, resolvers()).unwrap();
        let router = app.owners().by_default(&identity, strict.clone());
        Self { router, strict, store, _listener: listener }
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        send(self.router.clone(), get(path)).await.0.as_u16()
    }

    /// How many looks it takes until a path is answered with `status`.
    pub(crate) async fn looks_until(&self, path: &str, status: u16) -> usize {
        for look in 0..LOOKS.0 {
            if self.status(path).await == status {
                return look;
            }
            tokio::time::sleep(LOOKS.1).await;
        }
        panic!("{path} is not {status} within a second");
    }

    /// Waits until a tenant is answered from memory.
    pub(crate) async fn remember(&self, slug: &str) {
        let known = slug.parse().unwrap();
        for _ in 0..LOOKS.0 {
            assert_eq!(self.status(&format!("/t/{slug}/api/v1/members")).await, 200);
            if self.store.cached_by_slug(&known).is_some() {
                return;
            }
            tokio::time::sleep(LOOKS.1).await;
        }
        panic!("{slug} is not remembered");
    }
}

fn get(path: &str) -> Request<Body> {
    let request = Request::builder().uri(path).header("host", "localhost");
    request.body(Body::empty()).unwrap()
}
