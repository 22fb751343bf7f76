//! The places that have tables of their own, and their migrations.

use std::{fmt, sync::Arc};

use saas_core::Clock;
use saas_rbac::schema as access;
use saas_tenancy::{
    Isolation, Tenant, TenantStore,
    migrate::{self, Migrations, Standing, Target},
    placement::physical_name,
    store::postgres::MIGRATIONS,
};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection};

use super::{admin, migrations::TENANT_PLANE};
use crate::{access::MODEL, failure::Failure};

/// How many tenants are read at once.
const PAGE: u32 = 500;

/// The schema of the tenants themselves.
const TENANCY: &str = "saas_tenancy";

/// The schemas of the control plane, in the order in which they rest on each other.
const CONTROL: [(&str, Migrations); 2] =
    [(TENANCY, Migrations::new(MIGRATIONS)), (access::SCHEMA, Migrations::new(access::MIGRATIONS))];

/// A place that has tables of its own.
#[derive(Debug, Clone)]
pub enum Plane {
    /// The application's own tables.
    Control,
    /// The tables that tenants with shared isolation have together.
    Shared,
    /// The tables of one tenant.
    Tenant(Arc<Tenant>),
}

impl Plane {
    /// Where the tables of `tenant` are.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        match tenant.placement.isolation {
            Isolation::Shared => Self::Shared,
            Isolation::Schema | Isolation::Database => Self::Tenant(Arc::new(tenant.clone())),
        }
    }

    /// Whether it is a database of its own.
    pub(super) fn has_database(&self) -> bool {
        matches!(self.target(), Some(Target::Database(_)))
    }

    fn target(&self) -> Option<Target> {
        match self {
            Self::Control => None,
            Self::Shared => Some(Target::Shared),
            Self::Tenant(tenant) => Some(Target::of(tenant)),
        }
    }

    /// The administrator's way to the database that holds it.
    fn address(&self, admin: &SecretString) -> Result<SecretString, Failure> {
        match self.target() {
            Some(Target::Database(tenant)) => admin::with_database(admin, &physical_name(tenant)),
            _ => Ok(admin.clone()),
        }
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => f.write_str("control plane"),
            Self::Shared => f.write_str("shared tenants"),
            Self::Tenant(tenant) => tenant.slug.fmt(f),
        }
    }
}

/// Brings one place up to date and says which migrations were applied.
pub(crate) async fn migrate(
    admin: &SecretString,
    plane: &Plane,
) -> Result<Vec<&'static str>, Failure> {
    let mut conn = admin::connect(&plane.address(admin)?).await?;
    let mut applied = Vec::new();
    match plane.target() {
        None => {
            for (schema, migrations) in &CONTROL {
                applied.extend(migrate::control_plane(&mut conn, schema, migrations).await?);
            }
            // What the code says people may be allowed, for the database to hold them to.
            let published = access::publish(&mut conn, &MODEL, &Clock::system()).await;
            published.map_err(Failure::other("write down the permissions and roles"))?;
        }
        Some(target) => {
            applied = migrate::tenant_plane(&mut conn, target, &TENANT_PLANE).await?;
        }
    }
    conn.close().await.map_err(Failure::other("close the administrator's connection"))?;
    Ok(applied.iter().map(|one| one.name).collect())
}

/// Lets the server look at what was loaded in bulk: until it has, it plans badly and reads the table
/// where the index would do.
pub(crate) async fn settle(admin: &SecretString, plane: &Plane) -> Result<(), Failure> {
    let Some(target) = plane.target() else { return Ok(()) };
    let schema = target.schema();
    let mut conn = admin::connect(&plane.address(admin)?).await?;
    // The schema is one of the framework's own names, made of letters, digits and `_`.
    let sql = format!("vacuum (analyze) {schema}.members, {schema}.member_counts");
    let settled = sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await;
    settled.map_err(Failure::other("let the database look at its tables"))?;
    conn.close().await.map_err(Failure::other("close the administrator's connection"))
}

/// Which migrations are applied to one place, and which are not.
pub(crate) async fn status(admin: &SecretString, plane: &Plane) -> Result<Vec<Standing>, Failure> {
    let mut conn = admin::connect(&plane.address(admin)?).await?;
    let mut standing = Vec::new();
    match plane.target() {
        None => {
            for (schema, migrations) in &CONTROL {
                standing.extend(migrate::status(&mut conn, schema, migrations).await?);
            }
        }
        Some(target) => {
            standing = migrate::status(&mut conn, &target.schema(), &TENANT_PLANE).await?;
        }
    }
    conn.close().await.map_err(Failure::other("close the administrator's connection"))?;
    Ok(standing)
}

/// Runs statements of the program's own in one place; `{schema}` in them becomes its schema.
pub(crate) async fn run(
    admin: &SecretString,
    plane: &Plane,
    statements: &[&str],
) -> Result<(), Failure> {
    let mut conn = admin::connect(&plane.address(admin)?).await?;
    let schema = plane.target().map_or_else(|| TENANCY.to_owned(), Target::schema);
    for statement in statements {
        let sql = statement.replace("{schema}", &schema);
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await;
        done.map_err(Failure::other("work on a table as administrator"))?;
    }
    conn.close().await.map_err(Failure::other("close the administrator's connection"))
}

/// Every place of tenants' tables: the shared one, and those of ready tenants.
pub(super) async fn all(store: &dyn TenantStore) -> Result<Vec<Plane>, Failure> {
    let mut planes = vec![Plane::Shared];
    let mut after = None;
    loop {
        let page = store.list(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(planes) };
        after = Some(last.id);
        for tenant in page {
            let own = tenant.placement.isolation != Isolation::Shared;
            // What is not ready is finished, with its tables, by provisioning.
            if own && store.by_slug(&tenant.slug).await?.is_some() {
                planes.push(Plane::Tenant(tenant));
            }
        }
    }
}
