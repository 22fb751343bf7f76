//! The steps that make a tenant's home. Each looks at what is there and adds what is missing.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    APP_ROLE, ProvisionError,
    roles::{again, secure_database, set_password},
    servers::Servers,
};
use crate::{
    migrate::{self, Migrations, Target, quoted},
    placement::{Isolation, physical_name},
    tenant::Tenant,
};

/// What no tenant's role may ever have.
const NO_POWERS: &str = "noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls";

/// A role without a login that the application assumes, or the login of the tenant's database.
pub(super) async fn create_role(servers: &Servers, tenant: &Tenant) -> Result<(), ProvisionError> {
    let role = physical_name(tenant.id);
    let mut conn = servers.common(tenant).await?;
    let login = match tenant.placement.isolation {
        Isolation::Shared | Isolation::Schema => "nologin",
        Isolation::Database => "login",
    };
    if !exists(&mut conn, "select exists (select from pg_roles where rolname = $1)", &role).await? {
        again(&mut conn, &format!("create role {} {login} {NO_POWERS}", quoted(&role))).await?;
    }
    if tenant.placement.isolation == Isolation::Database {
        set_password(&mut conn, &role, servers.key(tenant)?).await?;
    } else {
        again(&mut conn, &format!("grant {} to {}", quoted(&role), quoted(APP_ROLE))).await?;
    }
    Ok(conn.close().await?)
}

/// The schema, which only the tenant's role may use.
pub(super) async fn create_schema(
    servers: &Servers,
    tenant: &Tenant,
) -> Result<(), ProvisionError> {
    let mut conn = servers.common(tenant).await?;
    migrate::protect(&mut conn, Target::of(tenant)).await?;
    Ok(conn.close().await?)
}

/// The database, closed for everybody before the first connection to it.
///
/// Copying files (`strategy = file_copy`) is never asked for: it forces a checkpoint of the whole
/// server.
pub(super) async fn create_database(
    servers: &Servers,
    tenant: &Tenant,
) -> Result<(), ProvisionError> {
    let name = physical_name(tenant.id);
    let (database, role) = (quoted(&name), quoted(&name));
    let mut conn = servers.common(tenant).await?;
    // A removal that was interrupted leaves a database that can only be dropped.
    let broken = "select exists (select from pg_database where datname = $1 and datconnlimit = -2)";
    if exists(&mut conn, broken, &name).await? {
        run(&mut conn, &format!("drop database {database}")).await?;
    }
    let there = "select exists (select from pg_database where datname = $1)";
    if !exists(&mut conn, there, &name).await? {
        let sql = format!(
            "create database {database} owner saas_owner template template0 allow_connections false"
        );
        run(&mut conn, &sql).await?;
    }
    run(&mut conn, &format!("revoke all on database {database} from public")).await?;
    run(&mut conn, &format!("grant connect on database {database} to {role}")).await?;
    run(&mut conn, &format!("alter database {database} allow_connections true")).await?;
    Ok(conn.close().await?)
}

/// What PostgreSQL opens to everybody inside of a new database is closed.
pub(super) async fn secure(servers: &Servers, tenant: &Tenant) -> Result<(), ProvisionError> {
    let mut conn = servers.home(tenant).await?;
    secure_database(&mut conn, &physical_name(tenant.id)).await?;
    Ok(conn.close().await?)
}

/// The tables.
pub(super) async fn migrate(
    servers: &Servers,
    tenant: &Tenant,
    migrations: &Migrations,
) -> Result<(), ProvisionError> {
    let mut conn = servers.home(tenant).await?;
    migrate::tenant_plane(&mut conn, Target::of(tenant), migrations).await?;
    Ok(conn.close().await?)
}

async fn exists(
    conn: &mut PgConnection,
    sql: &'static str,
    name: &str,
) -> Result<bool, ProvisionError> {
    Ok(sqlx::query_scalar(sql).bind(name).fetch_one(conn).await?)
}

/// Runs one statement on its own: databases are not made in transactions.
pub(super) async fn run(conn: &mut PgConnection, sql: &str) -> Result<(), ProvisionError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
