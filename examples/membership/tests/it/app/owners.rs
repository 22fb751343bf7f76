//! Who owns the tenants of a test, and requests that are theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, header};
use membership::{
    access::MODEL,
    auth::{Foundations, Identity, Mailing, Secrets, Started},
};
use saas_core::{
    Clock, SessionId, TenantId, UserId,
    auth::{AccessClaims, Credential, Principal},
    permission::{Grants, PermissionSet, Terms},
};
use saas_rbac::{
    password::PasswordOptions,
    schema,
    user::{Email, EmailProof, NewUser},
};
use saas_tenancy::{
    ResolvedTenant,
    db::TenantDatabases,
    migrate::{Migrations, control_plane},
    store::{ChangeListener, ChangeSink},
};
use saas_tests::world::World;
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;

use super::public_url;

/// How often something that comes by itself is looked for, and how long to wait in between.
const LOOKS: (usize, Duration) = (500, Duration::from_millis(10));

/// How long the tokens of owners live.
const LIFE: Duration = Duration::from_secs(600);

/// The owner of each tenant, by its slug.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Arc<Mutex<HashMap<String, Owner>>>);

/// Somebody who may do everything in a tenant, and has signed in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

/// Makes the tables of access, and what signs people in, in a world that has neither.
pub(crate) async fn start(
    world: &World,
    others: Vec<Box<dyn ChangeSink>>,
) -> (Identity, ChangeListener) {
    make_tables(world).await;
    join(world, &world.databases, others).await
}

/// Makes the tables of access in a world that has those of tenants.
pub(crate) async fn make_tables(world: &World) {
    let mut conn = world.server().connect(world.database()).await;
    let migrations = Migrations::new(schema::MIGRATIONS);
    control_plane(&mut conn, schema::SCHEMA, &migrations).await.unwrap();
    schema::publish(&mut conn, &MODEL, &world.clock).await.unwrap();
}

/// What signs people in, for one more process of a world that has the tables.
pub(crate) async fn join(
    world: &World,
    databases: &TenantDatabases,
    others: Vec<Box<dyn ChangeSink>>,
) -> (Identity, ChangeListener) {
    let foundations = Foundations {
        databases,
        clock: &world.clock,
        secrets: &Secrets::of(&"07".repeat(32).into()).unwrap(),
        public_url: &public_url(),
        mailing: Mailing::captured(&world.clock),
        passwords: PasswordOptions::new(),
    };
    let Started { identity, mut sinks } = Identity::start(foundations).await.unwrap();
    sinks.extend(others);
    let url = SecretString::from(world.app_options().to_url_lossy().to_string());
    let listener = ChangeListener::spawn_all(url, sinks);
    until_heard(&identity).await;
    (identity, listener)
}

/// Waits until answers come from memory, that is until changes are heard of.
async fn until_heard(identity: &Identity) {
    let clock = Clock::system();
    let (nowhere, nobody) = (TenantId::generate(&clock), UserId::generate(&clock));
    for _ in 0..LOOKS.0 {
        identity.authorizer.member(nowhere, nobody).await.unwrap();
        if identity.authorizer.remembered(nowhere, nobody).is_some() {
            return;
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    panic!("nobody listens");
}

impl Owners {
    /// Gives `tenant` an owner who has signed in.
    pub(crate) async fn add(&self, identity: &Identity, world: &World, tenant: &ResolvedTenant) {
        let email = Email::parse(&format!("owner@{}.test", tenant.slug)).unwrap();
        let new = NewUser::new(email, "Owner").unwrap().with_proof(EmailProof::Given);
        let user = identity.users.create(new).await.unwrap().id;
        identity.operator.enlist(tenant.id, user, "owner").await.unwrap();
        let session = sign_in(world, user, Some(tenant.id)).await;
        let owner = Owner { tenant: tenant.id, user, session };
        self.0.lock().unwrap().insert(tenant.slug.to_string(), owner);
    }

    /// The owner of the tenant with this name.
    pub(crate) fn of(&self, slug: &str) -> Option<Owner> {
        self.0.lock().unwrap().get(slug).copied()
    }

    /// The routes, with the credential of its owner on every request to a tenant that has none.
    pub(crate) fn by_default(&self, identity: &Identity, routes: Router) -> Router {
        let state = (self.clone(), identity.clone());
        Router::new()
            .fallback_service(routes)
            .layer(middleware::from_fn_with_state(state, as_owner))
    }
}

async fn as_owner(
    State((owners, identity)): State<(Owners, Identity)>,
    mut request: Request,
    next: Next,
) -> Response {
    let sent = [header::AUTHORIZATION, header::COOKIE];
    let has_sent = sent.iter().any(|name| request.headers().contains_key(name));
    let owner = slug_of(&request).and_then(|slug| owners.of(&slug));
    if let Some(owner) = owner.filter(|_| !has_sent) {
        let token = token(&identity, owner.user, owner.session, Some(owner.tenant));
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    next.run(request).await
}

/// The tenant that a request names by its path, or else by its host.
fn slug_of(request: &Request) -> Option<String> {
    let path = request.uri().path().strip_prefix("/t/").and_then(|rest| rest.split('/').next());
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.split_once(".localhost")).map(|(slug, _)| slug);
    path.or(host).map(str::to_owned)
}

/// A session of somebody, made without a password: hashing takes long.
pub(crate) async fn sign_in(world: &World, user: UserId, tenant: Option<TenantId>) -> SessionId {
    let id = SessionId::generate(&world.clock);
    let tenant = tenant.map_or("null".to_owned(), |tenant| format!("'{tenant}'"));
    let sql = format!(
        "insert into saas_rbac.sessions (id, user_id, tenant_id, kind, created_at, authenticated_at,
             last_seen_at, idle_until, expires_at)
         values ('{id}', '{user}', {tenant}, 'token', now(), now(), now(),
             now() + interval '1 year', now() + interval '1 year')"
    );
    world.as_superuser(&sql).await;
    id
}

/// An access token, fresh from the application's own key.
pub(crate) fn token(
    identity: &Identity,
    user: UserId,
    session: SessionId,
    tenant: Option<TenantId>,
) -> String {
    sign(identity, &claims(user, session, tenant))
}

/// What the application would say in a token.
pub(crate) fn claims(user: UserId, session: SessionId, tenant: Option<TenantId>) -> AccessClaims {
    let url = public_url().to_string();
    let audience = format!("{url}/api");
    let claims = AccessClaims::new((&url, &audience), (user, session), &Clock::system(), LIFE);
    let claims = claims.in_epoch(1);
    tenant.map_or(claims.clone(), |tenant| claims.for_tenant(tenant))
}

/// The token that says `claims`.
pub(crate) fn sign(identity: &Identity, claims: &AccessClaims) -> String {
    identity.keys.signer().sign(claims).unwrap().expose_secret().to_owned()
}

/// Somebody who may do everything, for code below the routes.
pub(crate) fn principal() -> Principal {
    let clock = Clock::system();
    let credential = Credential::AccessToken(SessionId::generate(&clock));
    let grants = Grants::new(Terms::of_roles(PermissionSet::ALL));
    Principal::new(UserId::generate(&clock), credential, clock.now()).in_tenant(
        TenantId::generate(&clock),
        ["owner"],
        grants,
    )
}
