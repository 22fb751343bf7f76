//! An application with people in it, as far as they sign in.

use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::{DateTime, TimeZone, Utc};
use saas_core::{
    Clock, SessionId, TenantId, UserId,
    auth::{AccessClaims, StrictVerifier},
    clock::Hand,
};
use saas_rbac::{
    mail::{CapturedMail, Letters, Mail, Postbox},
    password::{PasswordOptions, Passwords},
    schema::MIGRATIONS,
    seal::{Seal, StaticSeal},
    second_factor::SecondFactors,
    session::{Client, SessionPolicy, Sessions},
    sign_in::{Credential, Links, LogIn, SignIn, SignInParts, SignedIn},
    throttle::Throttle,
    token::{Issuer, KeyChanges, RefreshKey, SigningKeys, TokenPair},
    user::{Email, NewUser, User, Users},
};
use saas_tenancy::{
    Isolation,
    db::TenantDatabases,
    migrate::{Migrations, control_plane},
};
use saas_tests::world::World;
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// A password that may be chosen.
pub(super) const PASSWORD: &str = "correct staple horse 7";

/// An application with a database of its own.
pub(super) struct House {
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) hand: Hand,
    pub(super) users: Users,
    pub(super) passwords: Passwords,
    pub(super) sessions: Sessions,
    pub(super) factors: SecondFactors,
    pub(super) throttle: Throttle,
    pub(super) keys: SigningKeys,
    pub(super) changes: KeyChanges,
    pub(super) captured: CapturedMail,
    pub(super) postbox: Postbox,
    pub(super) sign_in: SignIn,
    pub(super) issuer: Issuer,
}

impl House {
    pub(super) async fn new() -> Self {
        // Large futures on the small stacks of test threads.
        Box::pin(Self::make()).await
    }

    async fn make() -> Self {
        let world = World::new().await;
        let mut conn = world.server().connect(world.database()).await;
        control_plane(&mut conn, "saas_rbac", &Migrations::new(MIGRATIONS)).await.unwrap();
        world
            .as_superuser(
                "insert into saas_rbac.fixed_roles values (0, 'owner', repeat('0', 256)::bit(256))",
            )
            .await;
        let (clock, hand) = Clock::manual(start());
        let databases = world.databases.clone();
        let issuer = Issuer::new("https://club.test", "https://club.test/api");
        let (keys, changes) =
            SigningKeys::start(databases.clone(), seal(), clock.clone(), &issuer).await.unwrap();
        let throttle = Throttle::new(databases.clone(), clock.clone(), &key(3));
        let factors =
            SecondFactors::new(databases.clone(), seal(), throttle.clone(), clock.clone(), "Club");
        let captured = CapturedMail::new(100, clock.clone());
        let postbox = Postbox::new(Arc::new(captured.clone()));
        let passwords = Passwords::new(PasswordOptions::new());
        let policy = SessionPolicy::default();
        let sign_in = SignIn::new(SignInParts {
            databases: databases.clone(),
            clock: clock.clone(),
            passwords: passwords.clone(),
            second_factors: factors.clone(),
            throttle: throttle.clone(),
            policy,
            issuer: issuer.clone(),
            keys: keys.clone(),
            refresh_key: RefreshKey::new(&key(2)),
            postbox: postbox.clone(),
            letters: Letters::new("Club"),
            links: Links {
                reset_password: "https://club.test/reset#".to_owned(),
                verify_email: "https://club.test/verify#".to_owned(),
            },
        });
        let users = Users::new(databases.clone(), clock.clone());
        let sessions = Sessions::new(databases, clock.clone(), policy);
        Self {
            world,
            clock,
            hand,
            users,
            passwords,
            sessions,
            factors,
            throttle,
            keys,
            changes,
            captured,
            postbox,
            sign_in,
            issuer,
        }
    }

    pub(super) fn databases(&self) -> TenantDatabases {
        self.world.databases.clone()
    }

    /// A person with [`PASSWORD`] at `NAME@acme.test`.
    pub(super) async fn person(&self, name: &str) -> User {
        let hash = self.passwords.hash(&secret(PASSWORD)).await.unwrap();
        let new = NewUser::new(email(name), name).unwrap().with_password(hash);
        self.users.create(new).await.unwrap()
    }

    /// A tenant that `user` owns.
    pub(super) async fn tenant(&self, slug: &str, user: UserId) -> TenantId {
        let tenant = self.world.tenant(slug, Isolation::Shared).await.id;
        let mut tx = self.world.databases.identity().await.unwrap();
        sqlx::query(
            "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             values ($1, $2, 1, $3)",
        )
        .bind(tenant.as_uuid())
        .bind(user.as_uuid())
        .bind(self.clock.now())
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        tenant
    }

    /// Signs a person in for tokens.
    pub(super) async fn log_in(&self, name: &str) -> SignedIn {
        self.sign_in.log_in(log_in(name, PASSWORD)).await.unwrap()
    }

    pub(super) fn verifier(&self) -> StrictVerifier {
        let (name, audience) = (self.issuer.name(), self.issuer.audience());
        StrictVerifier::new(self.keys.key_set(), name, audience, self.clock.clone())
    }

    /// What an access token says.
    pub(super) fn claims(&self, token: &SecretString) -> AccessClaims {
        self.verifier().verify(token.expose_secret()).unwrap()
    }

    pub(super) async fn mails(&self) -> Vec<Mail> {
        self.postbox.flush().await;
        self.captured.list().into_iter().map(|one| one.mail).collect()
    }

    /// The token in the link of the newest mail.
    pub(super) async fn mailed_token(&self) -> SecretString {
        let mails = self.mails().await;
        let text = &mails.first().expect("a mail").text;
        let token = text.split('#').nth(1).expect("a link").lines().next().expect("a line");
        secret(token)
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    /// One number that SQL yields, seen from outside.
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.world.server().connect(self.world.database()).await;
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
    }

    /// Why a session was ended; `None` while it is not.
    pub(super) async fn end_of(&self, session: SessionId) -> Option<String> {
        let mut conn = self.world.server().connect(self.world.database()).await;
        let sql = "select revoked_because from saas_rbac.sessions where id = $1";
        let query = sqlx::query_scalar(sql).bind(session.as_uuid());
        query.fetch_one(&mut conn).await.unwrap()
    }

    /// Lets nobody into the database any more.
    pub(super) async fn shut(&self) {
        let name = self.world.database();
        let sql = format!("alter database {name} with allow_connections false");
        self.world.server().run("postgres", &sql).await;
        let sql = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        );
        self.world.server().run("postgres", &sql).await;
    }

    pub(super) async fn open(&self) {
        let sql = format!("alter database {} with allow_connections true", self.world.database());
        self.world.server().run("postgres", &sql).await;
    }
}

pub(super) fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
}

pub(super) fn key(byte: u8) -> SecretBox<[u8; 32]> {
    SecretBox::new(Box::new([byte; 32]))
}

pub(super) fn seal() -> Arc<dyn Seal> {
    Arc::new(StaticSeal::new(&key(1)))
}

pub(super) fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

pub(super) fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@acme.test")).unwrap()
}

pub(super) fn client() -> Client {
    Client::at("192.0.2.7".parse().unwrap()).with_user_agent("test")
}

pub(super) fn client_at(address: &str) -> Client {
    Client::at(address.parse::<IpAddr>().unwrap())
}

pub(super) fn log_in(name: &str, password: &str) -> LogIn {
    LogIn::new(&format!("{name}@acme.test"), secret(password), client())
}

pub(super) fn tokens(signed_in: &SignedIn) -> &TokenPair {
    match &signed_in.credential {
        Credential::Tokens(pair) => pair,
        _ => panic!("tokens were wanted"),
    }
}
