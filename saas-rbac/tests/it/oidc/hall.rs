//! An application whose people come from a provider.

use std::{sync::Arc, time::Duration};

use saas_core::{
    Actor, Clock, RequestId, Scope, TenantId, UserId, clock::Hand, permission::PermissionSet,
};
use saas_rbac::{
    AccessModel, Acting,
    invitation::{Seats, Unlimited},
    mail::{CapturedMail, Letters, Postbox},
    oidc::{
        Arrival, Arriving, Connection, Connections, Flow, NewConnection, Newcomers, ProviderHttp,
        Reach, SignInWith, SignInWithError,
    },
    password::{PasswordOptions, Passwords},
    permission::{FixedRole, FixedRoles},
    schema::{MIGRATIONS, publish},
    seal::{Seal, StaticSeal},
    second_factor::SecondFactors,
    session::{Client, SessionPolicy, Transport},
    sign_in::{Links, SignIn, SignInParts, SignedIn},
    throttle::Throttle,
    token::{Issuer, RefreshKey, SigningKeys},
    user::{Email, EmailProof, NewUser, User, Users},
};
use saas_tenancy::{
    Isolation,
    migrate::{Migrations, control_plane},
};
use saas_tests::world::World;
use secrecy::SecretBox;

use super::{
    browser::{Browser, CALLBACK},
    provider::RealProvider,
};

saas_rbac::permissions! {
    /// What people may do in a hall.
    pub mod perm {
        /// The hall.
        hall {
            /// See it.
            Read: "read" = 0, Low;
            /// Run it.
            Run: "run" = 1, Critical;
        }
    }
}

const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", perm::CATALOGUE.all()),
    FixedRole::new(1, "guest", perm::CATALOGUE.select(&["hall:read"])),
]);

pub(super) const MODEL: AccessModel = AccessModel::new(perm::CATALOGUE, ROLES);

/// The secret of the client `club`.
pub(super) const SECRET: &str = "a-secret/with:signs%and+plus";

pub(super) struct Hall {
    pub(super) world: World,
    pub(super) hand: Hand,
    pub(super) clock: Clock,
    pub(super) users: Users,
    pub(super) connections: Connections,
    pub(super) flow: Flow,
    pub(super) sign_in_with: SignInWith,
    sign_in: SignIn,
    issuer: String,
}

impl Hall {
    /// Its people come from the provider that all tests share.
    pub(super) async fn new() -> Self {
        // Large futures on the small stacks of test threads.
        Box::pin(Self::at(RealProvider::shared().issuer())).await
    }

    pub(super) async fn at(issuer: &str) -> Self {
        let world = World::new().await;
        let mut conn = world.server().connect(world.database()).await;
        control_plane(&mut conn, "saas_rbac", &Migrations::new(MIGRATIONS)).await.unwrap();
        publish(&mut conn, &MODEL, &world.clock).await.unwrap();
        let (clock, hand) = Clock::manual(Clock::system().now());
        let databases = world.databases.clone();
        let sign_in = sign_in(&world, &clock).await;
        let http = ProviderHttp::new(Reach::PublicAndLoopback).unwrap();
        let connections =
            Connections::new(databases.clone(), MODEL, seal(), http.clone(), clock.clone());
        let flow = Flow::new(connections.clone(), http, seal(), clock.clone(), Transport::Tls);
        let seats: Arc<dyn Seats> = Arc::new(Unlimited);
        let sign_in_with =
            SignInWith::new(databases.clone(), sign_in.clone(), seats, clock.clone());
        let users = Users::new(databases, clock.clone());
        let issuer = issuer.to_owned();
        Self { world, hand, clock, users, connections, flow, sign_in_with, sign_in, issuer }
    }

    pub(super) fn with_seats(&self, seats: Arc<dyn Seats>) -> SignInWith {
        let databases = self.world.databases.clone();
        SignInWith::new(databases, self.sign_in.clone(), seats, self.clock.clone())
    }

    pub(super) fn client(&self, id: &str) -> NewConnection {
        NewConnection::new("Provider", &self.issuer, id)
    }

    /// A connection for all, through a client without a secret.
    pub(super) async fn for_all(&self, newcomers: Newcomers) -> Connection {
        self.connections.create_for_all(self.client("public"), newcomers).await.unwrap()
    }

    /// A connection of a tenant.
    pub(super) async fn of_tenant(&self, tenant: TenantId, role: Option<&str>) -> Connection {
        let acting = self.owner(tenant).await;
        self.connections.create(&acting, self.client("public"), role).await.unwrap()
    }

    /// Somebody goes to the provider and comes back.
    pub(super) async fn arrive(&self, account: &'static str, by: &Connection) -> Arrival {
        let mut browser = Browser::of(account);
        let query = self.query(&mut browser, by).await;
        self.flow.finish(&query, browser.headers()).await.unwrap()
    }

    /// Somebody goes to the provider; what they come back with.
    pub(super) async fn query(&self, browser: &mut Browser, by: &Connection) -> String {
        let redirect = self.flow.begin(by, CALLBACK).await.unwrap();
        let query = browser.follow(&redirect).await;
        self.catch_up();
        query
    }

    /// Somebody arrives and signs in.
    pub(super) async fn sign_in(
        &self,
        account: &'static str,
        by: &Connection,
    ) -> Result<SignedIn, SignInWithError> {
        let arrival = self.arrive(account, by).await;
        Box::pin(self.sign_in_with.sign_in(&arrival, self.arriving())).await
    }

    pub(super) fn arriving(&self) -> Arriving {
        Arriving::new(Client::unknown(), RequestId::generate(&self.clock))
    }

    /// The provider has the clock of the machine.
    pub(super) fn catch_up(&self) {
        let now = Clock::system().now();
        if now > self.clock.now() {
            self.hand.set(now);
        }
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn person(&self, name: &str, proof: EmailProof) -> User {
        let email = Email::parse(&format!("{name}@acme.test")).unwrap();
        self.users.create(NewUser::new(email, name).unwrap().with_proof(proof)).await.unwrap()
    }

    pub(super) async fn tenant(&self, slug: &str) -> TenantId {
        Box::pin(self.world.tenant(slug, Isolation::Shared)).await.id
    }

    /// The owner of a tenant, who is made for it.
    pub(super) async fn owner(&self, tenant: TenantId) -> Acting {
        let owner = self.person(&format!("owner-{tenant}"), EmailProof::Given).await.id;
        self.join(tenant, owner, 1).await;
        self.acting(tenant, owner, perm::CATALOGUE.all())
    }

    pub(super) fn acting(&self, tenant: TenantId, user: UserId, may: PermissionSet) -> Acting {
        let request = RequestId::generate(&self.clock);
        Acting::new(Scope::new(tenant, Actor::User { id: user }, request), may)
    }

    pub(super) async fn join(&self, tenant: TenantId, user: UserId, role_mask: i64) {
        let sql = format!(
            "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             values ('{}', '{}', {role_mask}, now())",
            tenant.as_uuid(),
            user.as_uuid(),
        );
        self.world.as_superuser(&format!("set role saas_admin; {sql}")).await;
    }

    /// One number that SQL yields, seen from outside.
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.world.server().connect(self.world.database()).await;
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
    }
}

async fn sign_in(world: &World, clock: &Clock) -> SignIn {
    let databases = world.databases.clone();
    let issuer = Issuer::new("https://hall.test", "https://hall.test/api");
    let (keys, _) =
        SigningKeys::start(databases.clone(), seal(), clock.clone(), &issuer).await.unwrap();
    let throttle = Throttle::new(databases.clone(), clock.clone(), &key(3));
    let second_factors =
        SecondFactors::new(databases.clone(), seal(), throttle.clone(), clock.clone(), "Hall");
    SignIn::new(SignInParts {
        databases,
        clock: clock.clone(),
        passwords: Passwords::new(PasswordOptions::new()),
        second_factors,
        throttle,
        policy: SessionPolicy::default(),
        issuer,
        keys,
        refresh_key: RefreshKey::new(&key(2)),
        postbox: Postbox::new(Arc::new(CapturedMail::new(10, clock.clone()))),
        letters: Letters::new("Hall"),
        links: Links { reset_password: String::new(), verify_email: String::new() },
    })
}

fn key(byte: u8) -> SecretBox<[u8; 32]> {
    SecretBox::new(Box::new([byte; 32]))
}

pub(super) fn seal() -> Arc<dyn Seal> {
    Arc::new(StaticSeal::new(&key(1)))
}
