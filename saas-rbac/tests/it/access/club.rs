//! A tenant with people in it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};
use saas_core::{
    Actor, Clock, RequestId, Scope, TenantId, UserId, clock::Hand, permission::PermissionSet,
};
use saas_rbac::{
    AccessModel, Acting, Authorizer,
    permission::{FixedRole, FixedRoles},
    role::{NewRole, Role, Roles},
    schema::{MIGRATIONS, publish},
};
use saas_tenancy::{
    Isolation,
    db::{ControlTx, TenantDatabases},
    migrate::{Migrations, control_plane},
    store::ChangeListener,
};
use saas_tests::world::World;
use sqlx::{ConnectOptions, PgConnection};

saas_rbac::permissions! {
    /// What people may do in a club.
    pub mod perm {
        /// The people of the club.
        members {
            /// See members.
            Read: "read" = 0, Low;
            /// Add members.
            Create: "create" = 1, Low;
            /// Take all members home.
            Export: "export" = 2, High;
        }
        /// The people who run it.
        team {
            /// See them.
            Read: "read" = 10, Low;
            /// Invite and remove them.
            Manage: "manage" = 11, Critical;
        }
        /// Roles and keys.
        access {
            /// Change roles.
            Roles: "roles" = 20, Critical;
            /// Make keys.
            Keys: "keys" = 70, High;
        }
        /// The club itself.
        tenant {
            /// Close the club for good.
            Delete: "delete" = 200, Critical;
        }
    }
}

pub(super) use perm::CATALOGUE;

const ALL: PermissionSet = CATALOGUE.all();

const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", ALL),
    FixedRole::new(
        1,
        "admin",
        ALL.difference(CATALOGUE.select(&["tenant:delete", "access:roles"])),
    ),
    FixedRole::new(2, "member", CATALOGUE.select(&["members:read", "members:create", "team:read"])),
    FixedRole::new(3, "viewer", CATALOGUE.select(&["members:read"])),
]);

pub(super) const MODEL: AccessModel = AccessModel::new(CATALOGUE, ROLES);

pub(super) const OWNER: i64 = 1;
pub(super) const ADMIN: i64 = 2;
pub(super) const MEMBER: i64 = 4;
pub(super) const VIEWER: i64 = 8;

/// A tenant in a database of its own, and what an application builds on it.
pub(super) struct Club {
    pub(super) world: Arc<World>,
    pub(super) tenant: TenantId,
    pub(super) clock: Clock,
    pub(super) hand: Hand,
    pub(super) roles: Roles,
    pub(super) owner: UserId,
}

impl Club {
    /// A club with one owner.
    pub(super) async fn new() -> Self {
        // Large futures on the small stacks of test threads.
        Box::pin(Self::make()).await
    }

    async fn make() -> Self {
        let world = World::new().await;
        let mut conn = world.server().connect(world.database()).await;
        let files = Migrations::new(MIGRATIONS);
        control_plane(&mut conn, "saas_rbac", &files).await.unwrap();
        publish(&mut conn, &MODEL, &world.clock).await.unwrap();
        Self::in_world(Arc::new(world), "acme").await
    }

    /// Another club in the same database, with an owner of its own.
    pub(super) async fn beside(&self, slug: &str) -> Self {
        Box::pin(Self::in_world(Arc::clone(&self.world), slug)).await
    }

    async fn in_world(world: Arc<World>, slug: &str) -> Self {
        let tenant = Box::pin(world.tenant(slug, Isolation::Shared)).await.id;
        let (clock, hand) = Clock::manual(world.clock.now().trunc_subsecs(6));
        let roles = Roles::new(world.databases.clone(), MODEL, clock.clone());
        let owner = UserId::generate(&clock);
        let club = Self { world, tenant, clock, hand, roles, owner };
        club.insert_person(owner, &format!("owner@{slug}.test")).await;
        club.join(owner, OWNER).await;
        club
    }

    pub(super) fn databases(&self) -> &TenantDatabases {
        &self.world.databases
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A person with a verified address, who belongs nowhere yet.
    pub(super) async fn person(&self, name: &str) -> UserId {
        let id = UserId::generate(&self.clock);
        self.insert_person(id, &format!("{name}@acme.test")).await;
        id
    }

    async fn insert_person(&self, id: UserId, email: &str) {
        let mut tx = self.databases().identity().await.unwrap();
        sqlx::query(
            "insert into saas_rbac.users (id, email, name, email_verified_at, created_at)
             values ($1, $2, $2, $3, $3)",
        )
        .bind(id.as_uuid())
        .bind(email)
        .bind(self.now())
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// Puts somebody in, as sign-up does: the application itself grants.
    pub(super) async fn join(&self, user: UserId, role_mask: i64) {
        let mut tx = self.databases().identity().await.unwrap();
        sqlx::query(
            "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
             values ($1, $2, $3, $4)",
        )
        .bind(self.tenant.as_uuid())
        .bind(user.as_uuid())
        .bind(role_mask)
        .bind(self.now())
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// A new person with these roles.
    pub(super) async fn member(&self, name: &str, role_mask: i64) -> UserId {
        let user = self.person(name).await;
        self.join(user, role_mask).await;
        user
    }

    pub(super) fn scope(&self, user: UserId) -> Scope {
        Scope::new(self.tenant, Actor::User { id: user }, RequestId::generate(&self.clock))
    }

    /// `user`, with what they may do now.
    pub(super) async fn acting(&self, user: UserId) -> Acting {
        let member = self.authorizer().member(self.tenant, user).await.unwrap();
        let may = member.map(|member| member.permissions().difference(member.denied()));
        Acting::new(self.scope(user), may.unwrap_or_default())
    }

    /// `user`, believed to be allowed everything: the database has to refuse by itself.
    pub(super) fn overrated(&self, user: UserId) -> Acting {
        Acting::new(self.scope(user), PermissionSet::ALL)
    }

    /// A new authorizer that knows nothing and hears nothing.
    pub(super) fn authorizer(&self) -> Authorizer {
        Authorizer::new(self.databases().clone(), MODEL, self.clock.clone())
    }

    /// An authorizer as another process has it: it hears of changes.
    pub(super) async fn listening(&self) -> (Authorizer, ChangeListener) {
        let authorizer = self.authorizer();
        let url = self.world.app_options().to_url_lossy().to_string();
        let listener = ChangeListener::spawn(url.into(), authorizer.changes());
        eventually(async || {
            authorizer.member(self.tenant, self.owner).await.unwrap();
            authorizer.remembered(self.tenant, self.owner).is_some()
        })
        .await;
        (authorizer, listener)
    }

    /// A transaction for raw SQL on the tenant's rows, in the name of `user`.
    pub(super) async fn raw(&self, user: UserId) -> ControlTx {
        self.databases().control(&self.scope(user)).await.unwrap()
    }

    pub(super) async fn superuser(&self) -> PgConnection {
        self.world.server().connect(self.world.database()).await
    }

    /// Runs a statement as system work does: nobody is named, and nothing is asked.
    pub(super) async fn as_system(&self, sql: &str) {
        self.world.as_superuser(&format!("set role saas_admin; {sql}")).await;
    }

    /// A role made by the owner.
    pub(super) async fn role(&self, name: &str, permissions: &[&str], includes: &[&str]) -> Role {
        let new = NewRole::new(name)
            .with_permissions(permissions.iter().copied())
            .with_includes(includes.iter().copied());
        let acting = self.acting(self.owner).await;
        Box::pin(self.roles.create(&acting, new)).await.unwrap()
    }

    /// The mask of one of the tenant's own roles.
    pub(super) async fn mask_of(&self, name: &str) -> i64 {
        let mut conn = self.superuser().await;
        let sql = "select 1::bigint << bit from saas_rbac.roles where name = $1";
        sqlx::query_scalar(sql).bind(name).fetch_one(&mut conn).await.unwrap()
    }
}

/// Asks again until it is so. A test that waits for a message fails by this limit, not by luck.
pub(super) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it never came to be so");
}

/// The set of these names.
pub(super) fn set(names: &[&str]) -> PermissionSet {
    CATALOGUE.select(names)
}
