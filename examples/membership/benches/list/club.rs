//! The app with tenants full of members.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use membership::{
    access::MODEL,
    app,
    auth::{Foundations, Identity, Mailing, Secrets, Started},
    boot::migrations::TENANT_PLANE,
    config::PublicUrl,
    state::{AppState, Mode},
};
use saas_core::{SessionId, UserId, auth::AccessClaims};
use saas_rbac::{
    password::PasswordOptions,
    schema,
    user::{Email, NewUser},
};
use saas_tenancy::{
    Isolation, ResolvedTenant,
    audit::AuditLog,
    db::DatabaseOptions,
    migrate::{Migrations, control_plane},
    placement::physical_name,
    resolve::{Authentication, BaseDomains, Resolvers, TrustedProxies},
    store::{CachedTenantStore, ChangeListener},
};
use saas_tests::world::{Plane, World};
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use tokio::net::TcpListener;

/// The app's own tables.
const MEMBERSHIP: Plane = Plane { name: "membership", migrations: TENANT_PLANE };

/// Members that differ in name, status, type and time, as the database makes them up.
const MEMBERS: &str = include_str!("members.sql");

/// How long the tokens of the clients live: longer than any run, and as long as the verifier allows.
const LIFE: Duration = Duration::from_secs(3600);

pub(super) struct Club {
    pub(super) world: World,
    pub(super) tenants: Vec<ResolvedTenant>,
    /// A viewer of each tenant.
    viewers: Vec<UserId>,
}

/// The app on a port, and what its clients send.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    /// The access token of each tenant's viewer.
    pub(super) tokens: Vec<String>,
    /// Tells it what changes; without it nothing is answered from memory.
    pub(super) _listener: ChangeListener,
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
        let mut conn = world.server().connect(world.database()).await;
        let migrations = Migrations::new(schema::MIGRATIONS);
        let made = control_plane(&mut conn, schema::SCHEMA, &migrations).await;
        made.expect("the tables of access are new");
        schema::publish(&mut conn, &MODEL, &world.clock).await.expect("the roles are new");
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
        Self { world, tenants: all, viewers: Vec::new() }
    }

    /// Serves the app, as its binary does, and says where.
    pub(super) async fn serve(&mut self) -> Served {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let clock = self.world.clock.clone();
        let store = CachedTenantStore::new(Arc::clone(&self.world.store), clock.clone());
        let public_url = PublicUrl::local(address);
        let foundations = Foundations {
            databases: &self.world.databases,
            clock: &clock,
            secrets: &Secrets::of(&"07".repeat(32).into()).expect("a key"),
            public_url: &public_url,
            mailing: Mailing::captured(&clock),
            passwords: PasswordOptions::new(),
        };
        let Started { identity, sinks } = Identity::start(foundations).await.expect("signing keys");
        let url = SecretString::from(self.world.app_options().to_url_lossy().to_string());
        let listener = ChangeListener::spawn_all(url, sinks);
        let tokens = self.sign_in(&identity, &public_url).await;
        let store = Arc::new(store);
        let state = AppState {
            audit: AuditLog::new(self.world.databases.clone(), store.clone(), clock.clone()),
            clock,
            databases: self.world.databases.clone(),
            store,
            provisioner: self.world.provisioner.clone().into(),
            identity,
            public_url,
            proxies: TrustedProxies::default(),
            mode: Mode::Production,
        };
        let bases = BaseDomains::new(["localhost"]).expect("a valid base domain");
        let resolvers =
            Resolvers::new(Authentication::WithMembership).subdomain(&bases).custom_domain(&bases);
        let app = app::router(state, resolvers.path()).expect("every route has its rule");
        tokio::spawn(async move { axum::serve(socket, app).await });
        Served { address, tokens, _listener: listener }
    }

    /// A viewer of each tenant, and a token of theirs.
    async fn sign_in(&mut self, identity: &Identity, public_url: &PublicUrl) -> Vec<String> {
        for tenant in self.tenants.iter().skip(self.viewers.len()) {
            let email = Email::parse(&format!("viewer@{}.test", tenant.slug)).expect("an address");
            let new = NewUser::new(email, "Viewer").expect("a name");
            let user = identity.users.create(new).await.expect("the address is new").id;
            let made = identity.operator.enlist(tenant.id, user, "viewer").await;
            made.expect("the role is there");
            self.viewers.push(user);
        }
        let (clock, url) = (&self.world.clock, public_url.to_string());
        let parties = (&*url, &*format!("{url}/api"));
        let all = self.tenants.iter().zip(&self.viewers).map(|(tenant, user)| {
            let of = (*user, SessionId::generate(clock));
            let claims = AccessClaims::new(parties, of, clock, LIFE).in_epoch(1);
            let token = identity.keys.signer().sign(&claims.for_tenant(tenant.id));
            token.expect("the key signs").expose_secret().to_owned()
        });
        all.collect()
    }

    /// The tenants' hosts.
    pub(super) fn hosts(&self) -> Vec<String> {
        self.tenants.iter().map(|tenant| format!("{}.localhost", tenant.slug)).collect()
    }
}
