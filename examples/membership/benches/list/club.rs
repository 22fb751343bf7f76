//! The app with tenants full of members.

use std::{net::SocketAddr, sync::Arc};

use membership::{app, boot::migrations::TENANT_PLANE, config::PublicUrl, state::AppState};
use saas_tenancy::{
    Isolation, ResolvedTenant,
    db::DatabaseOptions,
    placement::physical_name,
    resolve::{Authentication, BaseDomains, Resolvers},
    store::CachedTenantStore,
};
use saas_tests::world::{Plane, World};
use tokio::net::TcpListener;

/// The app's own tables.
const MEMBERSHIP: Plane = Plane { name: "membership", migrations: TENANT_PLANE };

/// Members that differ in name, status, type and time, as the database makes them up.
const MEMBERS: &str = include_str!("members.sql");

pub(super) struct Club {
    pub(super) world: World,
    pub(super) tenants: Vec<ResolvedTenant>,
}

impl Club {
    /// So many tenants with so many members each.
    pub(super) async fn with_members(
        options: DatabaseOptions,
        isolation: Isolation,
        tenants: u64,
        members: u64,
    ) -> Self {
        let world = World::of(MEMBERSHIP, options).await;
        let mut all = Vec::new();
        for n in 0..tenants {
            let tenant = world.tenant(&format!("club-{n}"), isolation).await;
            let (database, schema) = match isolation {
                Isolation::Shared => (world.database().to_owned(), "app".to_owned()),
                Isolation::Schema => (world.database().to_owned(), physical_name(tenant.id)),
                Isolation::Database => (physical_name(tenant.id), "app".to_owned()),
            };
            let sql = MEMBERS
                .replace("{schema}", &schema)
                .replace("{tenant}", &tenant.id.to_string())
                .replace("{members}", &members.to_string());
            world.server().run(&database, &sql).await;
            if isolation == Isolation::Database {
                world.server().run(&database, "vacuum analyze").await;
            }
            all.push(tenant);
        }
        world.as_superuser("vacuum analyze").await;
        Self { world, tenants: all }
    }

    /// Serves the app, as its binary does, and says where.
    pub(super) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let clock = self.world.clock.clone();
        let store = CachedTenantStore::new(Arc::clone(&self.world.store), clock.clone());
        let state = AppState {
            clock,
            databases: self.world.databases.clone(),
            store: Arc::new(store),
            provisioner: self.world.provisioner.clone().into(),
            public_url: PublicUrl::local(address),
        };
        let bases = BaseDomains::new(["localhost"]).expect("a valid base domain");
        let resolvers =
            Resolvers::new(Authentication::Absent).subdomain(&bases).custom_domain(&bases).path();
        let app = app::router(state, resolvers);
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// The tenants' hosts.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.tenants.iter().map(|tenant| format!("{}.localhost", tenant.slug)).collect()
    }
}
