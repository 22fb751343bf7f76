//! Migrations of both planes: what the tables look like, for one tenant or for all.
//!
//! # Rules
//! 1. A migration of the tenant plane is written as if there were one tenant: no `tenant_id`, no
//!    policy, no grant. After each file, in the same transaction, the runner adds the tenant column,
//!    puts it in front of every key and index, and sets policies, owners and grants. The same file
//!    serves the shared schema, a tenant's own schema and a tenant's own database.
//! 2. An `on conflict` clause of the application therefore names the tenant too:
//!    `on conflict (tenant_id, lower(email))`.
//! 3. A later file speaks of the tables of earlier ones in the same way: `references members (id)`
//!    and `create unique index on members (phone)` mean the tenant's own. A table that is renamed is
//!    referred to by its new name from the next file on.
//! 4. One transaction a file. A file that fails leaves nothing behind; a file that was applied is
//!    never changed.
//! 5. Runs at the same time are safe: they wait for each other, schema by schema.
//! 6. A table whose comment says `@read-only` can only be read by the application, one that says
//!    `@append-only` only be read and added to.
//! 7. A migration that cannot be made safe is refused, and the message says what to write instead.
//!    Tables of the tenant plane begin empty; seed them through the application.
//! 8. A file may call `pg_temp.searchable('members', array['first_name', 'email'])`: it makes the
//!    function `members_search(term)`, which gives rows by a part of their text, with an index.
//! 9. Every home also gets the tables of the audit log, `saas_audit…`. Applications write them through
//!    [`audit`](mod@crate::audit) only, and name no table of theirs so.
//! 10. The connection belongs to a superuser, or to a role with `createrole`, `createdb` and
//!     `bypassrls`, and [`provision::bootstrap`](crate::provision::bootstrap) has run over it. It goes
//!     straight to the server, not through a transaction pooler.
//!
//! ```
//! use saas_tenancy::migrate::Migrations;
//!
//! // In an application the text comes from `include_str!("../migrations/0001_members.sql")`.
//! const TENANT_PLANE: Migrations = Migrations::new(&[
//!     ("0001_types", "create table membership_types (id uuid primary key, name text not null);"),
//!     (
//!         "0002_members",
//!         "create table members (
//!              id uuid primary key,
//!              membership_type_id uuid not null references membership_types (id),
//!              email text not null
//!          );
//!          create unique index on members (lower(email));",
//!     ),
//! ]);
//! assert_eq!(TENANT_PLANE.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2]);
//! ```

#![expect(clippy::disallowed_types, reason = "migrations run on an administrator's connection")]

mod audit;
mod error;
mod history;
mod list;
mod protect;
mod rewrite;
mod runner;
mod target;

use sqlx::PgConnection;

pub use audit::{Month, drop_audit_month};
pub use error::MigrateError;
pub use history::Standing;
pub use list::{Migration, Migrations};
pub use target::Target;

use target::Plane;
pub(crate) use target::quoted;

/// Brings a schema of the control plane up to date and says which migrations were applied.
///
/// The files are run as they are: they qualify their names and write their own policies and grants.
///
/// # Errors
/// Any [`MigrateError`]; the migrations before the failed one stay applied.
pub async fn control_plane(
    conn: &mut PgConnection,
    schema: &'static str,
    migrations: &Migrations,
) -> Result<Vec<Migration>, MigrateError> {
    runner::run(conn, &Plane::control(schema), migrations).await
}

/// Brings the tables of `target` up to date and says which migrations were applied.
///
/// `conn` is connected to the database that holds the target.
///
/// # Errors
/// Any [`MigrateError`]; the migrations before the failed one stay applied.
pub async fn tenant_plane(
    conn: &mut PgConnection,
    target: Target,
    migrations: &Migrations,
) -> Result<Vec<Migration>, MigrateError> {
    runner::run(conn, &Plane::tenant(target), migrations).await
}

/// Sets columns, keys, policies and grants of `target` again, as after a migration. For tables that
/// somebody changed by hand, and after an update of this crate.
///
/// # Errors
/// [`MigrateError::Refused`] when a table cannot be made safe, [`MigrateError::Busy`] when one is in
/// use, [`MigrateError::Database`] when the server fails.
pub async fn protect(conn: &mut PgConnection, target: Target) -> Result<(), MigrateError> {
    runner::protect(conn, &Plane::tenant(target)).await
}

/// Which migrations are applied to `schema` and which are pending, in their order. Changes nothing,
/// so it is the dry run too.
///
/// # Errors
/// [`MigrateError::Changed`], [`MigrateError::Unknown`] or [`MigrateError::OutOfOrder`] when a run
/// would be refused, [`MigrateError::Database`] when the server fails.
pub async fn status(
    conn: &mut PgConnection,
    schema: &str,
    migrations: &Migrations,
) -> Result<Vec<Standing>, MigrateError> {
    let applied = history::read(conn, schema).await?;
    history::compare(schema, &applied, migrations)
}
