//! The routes behind the layers that a tenant needs, and a client for them.

pub(crate) mod document;
pub(crate) mod owners;
pub(crate) mod process;
pub(crate) mod rows;
pub(crate) mod wire;

use axum::{Router, body::Body};
use chrono::{DateTime, TimeZone, Utc};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use membership::members::MemberId;
use membership::{
    app,
    auth::Identity,
    boot::migrations::TENANT_PLANE,
    config::PublicUrl,
    state::{AppState, Mode},
};
use saas_core::{Clock, clock::Hand};
use saas_tenancy::{
    Isolation, ResolvedTenant,
    audit::AuditLog,
    db::{DatabaseOptions, TenantDb},
    resolve::{Authentication, BaseDomains, Resolvers, TrustedProxies},
    store::ChangeListener,
};
use saas_tests::{
    server::Server,
    world::{Plane, World},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};
use tower::ServiceExt;

use self::owners::Owners;

const MEMBERSHIP: Plane = Plane { name: "membership", migrations: TENANT_PLANE };

/// The application with two tenants of shared tables, `acme` and `hooli`.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) hand: Hand,
    world: World,
    identity: Identity,
    /// As its binary has it: whoever asks must prove who they are.
    strict: Router,
    owners: Owners,
    _listener: ChangeListener,
}

/// An answer: its status, its headers, and its body if it is JSON.
pub(crate) type Answer = (StatusCode, HeaderMap, Value);

impl App {
    pub(crate) async fn new() -> Self {
        Self::with_connections(8).await
    }

    /// The same with `globex`, which has a schema, and `initech`, which has a database of its own.
    pub(crate) async fn with_all_isolations() -> Self {
        let app = Self::new().await;
        app.add_isolations().await;
        app
    }

    /// Adds `globex`, which has a schema, and `initech`, which has a database of its own.
    pub(crate) async fn add_isolations(&self) {
        self.add_tenant("globex", Isolation::Schema).await;
        self.add_tenant("initech", Isolation::Database).await;
    }

    /// Adds a tenant with an owner.
    pub(crate) async fn add_tenant(&self, slug: &str, isolation: Isolation) {
        let tenant = self.world.tenant(slug, isolation).await;
        self.owners.add(&self.identity, &self.world, &tenant).await;
    }

    pub(crate) async fn with_connections(connections: usize) -> Self {
        // Large futures on the small stacks of test threads.
        Box::pin(Self::make(connections)).await
    }

    async fn make(connections: usize) -> Self {
        let (clock, hand) = Clock::manual(start());
        let options =
            DatabaseOptions::new().with_connections(connections).with_tenant_share(connections);
        let world = World::of(MEMBERSHIP, options).await;
        let (identity, listener) = owners::start(&world, Vec::new()).await;
        let strict = app::router(state(&world, &identity, &clock), resolvers()).unwrap();
        let owners = Owners::default();
        let app = Self { clock, hand, world, identity, strict, owners, _listener: listener };
        app.add_tenant("acme", Isolation::Shared).await;
        app.add_tenant("hooli", Isolation::Shared).await;
        app
    }

    /// The tenants and their databases.
    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    /// The routes with all their layers. A request to a tenant without a credential is its owner's.
    pub(crate) fn router(&self) -> Router {
        self.owners.by_default(&self.identity, self.strict.clone())
    }

    /// The same without credentials that were not sent.
    pub(crate) fn strict_router(&self) -> Router {
        self.strict.clone()
    }

    /// Who owns which tenant.
    pub(crate) const fn owners(&self) -> &Owners {
        &self.owners
    }

    /// What signs people in.
    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the routes have at hand.
    pub(crate) fn state(&self) -> AppState {
        state(&self.world, &self.identity, &self.clock)
    }

    /// A tenant, as a request finds it.
    pub(crate) async fn tenant(&self, slug: &str) -> ResolvedTenant {
        let slug = slug.parse().unwrap();
        ResolvedTenant::by_slug(&*self.world.store, &slug).await.unwrap()
    }

    /// The database of a tenant.
    pub(crate) async fn tenant_db(&self, slug: &str) -> TenantDb {
        self.world.db(&self.tenant(slug).await)
    }

    /// Runs statements past all walls.
    pub(crate) async fn as_superuser(&self, sql: &str) {
        self.world.as_superuser(sql).await;
    }

    /// A number, over all tenants of the shared tables.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.one(sql).await.get(0)
    }

    /// The status of a member of a tenant with shared tables.
    pub(crate) async fn status(&self, id: MemberId) -> String {
        self.one(&format!("select status from app.members where id = '{id}'")).await.get(0)
    }

    async fn one(&self, sql: &str) -> PgRow {
        let options = self.world.app_options();
        let mut conn = Server::get().await.connect(options.get_database().unwrap()).await;
        sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut conn).await.unwrap()
    }

    /// Sends JSON, or nothing if `body` is null.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        tenant: &str,
        body: Value,
    ) -> Answer {
        self.request_with(method, path, tenant, &[], body).await
    }

    /// The same with headers.
    pub(crate) async fn request_with(
        &self,
        method: &str,
        path: &str,
        tenant: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).unwrap() };
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let (status, headers, bytes) = self.bytes(method, path, tenant, &all, bytes).await;
        (status, headers, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Sends and receives bytes.
    pub(crate) async fn bytes(
        &self,
        method: &str,
        path: &str,
        tenant: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/t/{tenant}/api/v1{path}"))
            .header(header::HOST, "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        send(self.router(), request).await
    }

    /// The id of a new membership type of `tenant`.
    pub(crate) async fn add_type(&self, tenant: &str, name: &str) -> String {
        let body = json!({
            "name": name, "price": {"amount": 1250, "currency": "EUR"}, "interval": "month",
        });
        let (status, _, body) = self.request("POST", "/membership-types", tenant, body).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// A new member of `tenant`.
    pub(crate) async fn add_member(&self, tenant: &str, membership_type: &str, n: usize) -> Value {
        let body = member(membership_type, n);
        let (status, _, body) = self.request("POST", "/members", tenant, body).await;
        assert_eq!(status, 201, "{body}");
        body
    }

    /// The exact number of members that a list tells.
    pub(crate) async fn total(&self, tenant: &str, filter: &str) -> i64 {
        let path = format!("/members?limit=1&{filter}");
        let (status, _, body) = self.request("GET", &path, tenant, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["pagination"]["total"].as_i64().unwrap()
    }
}

/// A member as it is written.
pub(crate) fn member(membership_type: &str, n: usize) -> Value {
    json!({
        "first_name": format!("First {n:04}"), "last_name": format!("Last {:04}", (n * 7919) % 1000),
        "email": format!("member{n}@example.com"), "membership_type_id": membership_type,
    })
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
}

/// One request to one router.
pub(crate) async fn send(
    router: Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.status, parts.headers, bytes)
}

/// All ways to name a tenant that the application has.
pub(crate) fn resolvers() -> Resolvers {
    let bases = BaseDomains::new(["localhost"]).unwrap();
    Resolvers::new(Authentication::WithMembership).subdomain(&bases).custom_domain(&bases).path()
}

fn state(world: &World, identity: &Identity, clock: &Clock) -> AppState {
    AppState {
        clock: clock.clone(),
        databases: world.databases.clone(),
        store: world.store.clone(),
        provisioner: world.provisioner.clone().into(),
        identity: identity.clone(),
        audit: AuditLog::new(world.databases.clone(), world.store.clone(), clock.clone()),
        public_url: public_url(),
        proxies: TrustedProxies::default(),
        mode: Mode::Demo,
    }
}

/// Where the application is reached.
pub(crate) fn public_url() -> PublicUrl {
    PublicUrl::local(([127, 0, 0, 1], 8080).into())
}
