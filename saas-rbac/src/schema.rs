//! The crate's tables: schema `saas_rbac` of the control plane.
//!
//! 1. [`MIGRATIONS`] make the tables. [`publish`] then writes down what the code declares, at every
//!    start and before the application serves.
//! 2. A bit is for ever: neither a permission nor a fixed role changes its bit or gives its bit to
//!    another one. What the code no longer declares stays as retired, and its bit taken.
//! 3. When a fixed role changes, the tenants' roles that include it follow.

#![expect(clippy::disallowed_types, reason = "declarations are written by the administrator")]

use std::collections::HashMap;

use saas_core::{Clock, permission::Risk};
use sqlx::{Connection, PgConnection};

use crate::{
    model::{AccessModel, OWNER_BIT},
    sql::to_bits,
};

/// The name of the schema.
pub const SCHEMA: &str = "saas_rbac";

/// The channel on which the tables tell what changed: `tenant:ID`, `user:ID`, `session:ID`,
/// `key:ID`, `keys`.
pub const CHANNEL: &str = "saas_rbac_changed";

/// The migrations of the schema, for
/// [`migrate::control_plane`](saas_tenancy::migrate::control_plane). They come after those of
/// saas-tenancy.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_access", include_str!("../migrations/0001_access.sql")),
    ("0002_people", include_str!("../migrations/0002_people.sql")),
];

/// Why the declarations of the code do not fit those of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A bit was given another meaning.
    #[error(
        "bit {bit} belongs to `{stored}` and cannot become `{declared}`; \
         declare `{declared}` with a bit that was never used"
    )]
    BitReused {
        /// The bit.
        bit: i16,
        /// What it means in the database.
        stored: String,
        /// What the code wants it to mean.
        declared: String,
    },
    /// A name was given another bit.
    #[error("`{name}` has bit {stored} and cannot have bit {declared}; give it its bit back")]
    BitChanged {
        /// The permission or role.
        name: String,
        /// Its bit in the database.
        stored: i16,
        /// Its bit in the code.
        declared: i16,
    },
    /// Nobody could own a tenant.
    #[error("no fixed role has bit 0, which is the owner's; declare one")]
    NoOwner,
    /// The server failed.
    #[error("the permissions cannot be written down")]
    Database(#[from] sqlx::Error),
}

/// Writes down the permissions and fixed roles that the code declares, in one transaction.
///
/// `conn` is an administrator's, as for migrations. Several processes may do so at once.
///
/// # Errors
/// [`PublishError::BitReused`] or [`PublishError::BitChanged`] when a bit would change its meaning;
/// [`PublishError::NoOwner`] when there is no owner's role; [`PublishError::Database`] when the server fails. Nothing is written then.
pub async fn publish(
    conn: &mut PgConnection,
    model: &AccessModel,
    clock: &Clock,
) -> Result<(), PublishError> {
    if !model.fixed_roles().iter().any(|role| role.bit() == OWNER_BIT) {
        return Err(PublishError::NoOwner);
    }
    let mut tx = conn.begin().await?;
    // System work: the triggers ask who grants.
    sqlx::raw_sql("set local role saas_admin").execute(&mut *tx).await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('saas_rbac.publish', 0))")
        .execute(&mut *tx)
        .await?;
    publish_permissions(&mut tx, model, clock).await?;
    publish_roles(&mut tx, model).await?;
    Ok(tx.commit().await?)
}

async fn publish_permissions(
    conn: &mut PgConnection,
    model: &AccessModel,
    clock: &Clock,
) -> Result<(), PublishError> {
    let stored = Stored::read(conn, "select bit, name from saas_rbac.permissions").await?;
    let mut names = Vec::new();
    for permission in model.catalogue().iter() {
        stored.check(i16::from(permission.bit), permission.name)?;
        names.push(permission.name);
        sqlx::query(
            "insert into saas_rbac.permissions (bit, name, risk) values ($1, $2, $3)
             on conflict (bit) do update set risk = excluded.risk, retired_at = null
             where saas_rbac.permissions.risk <> excluded.risk
                or saas_rbac.permissions.retired_at is not null",
        )
        .bind(i16::from(permission.bit))
        .bind(permission.name)
        .bind(risk(permission.risk))
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query(
        "update saas_rbac.permissions set retired_at = $2
         where name <> all ($1) and retired_at is null",
    )
    .bind(names)
    .bind(clock.now())
    .execute(conn)
    .await?;
    Ok(())
}

async fn publish_roles(conn: &mut PgConnection, model: &AccessModel) -> Result<(), PublishError> {
    let stored = Stored::read(conn, "select bit, name from saas_rbac.fixed_roles").await?;
    for role in model.fixed_roles().iter() {
        stored.check(i16::from(role.bit()), role.name())?;
        sqlx::query(
            "insert into saas_rbac.fixed_roles (bit, name, mask) values ($1, $2, $3::text::bit(256))
             on conflict (bit) do update set mask = excluded.mask
             where saas_rbac.fixed_roles.mask <> excluded.mask",
        )
        .bind(i16::from(role.bit()))
        .bind(role.name())
        .bind(to_bits(role.permissions()))
        .execute(&mut *conn)
        .await?;
    }
    // What the code no longer knows gives nothing, in the database as in the process.
    let names: Vec<_> = model.fixed_roles().iter().map(|role| role.name()).collect();
    sqlx::query(
        "update saas_rbac.fixed_roles set mask = repeat('0', 256)::bit(256) where name <> all ($1)",
    )
    .bind(names)
    .execute(&mut *conn)
    .await?;
    // A trigger computes the masks. What did not change is not written.
    sqlx::query(
        "update saas_rbac.roles r set mask = r.mask
         where r.mask <> saas_rbac.permissions_named(r.permissions)
               | saas_rbac.permissions_of(r.tenant_id, r.includes)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the database knows by bit and by name.
struct Stored(HashMap<i16, String>);

impl Stored {
    async fn read(conn: &mut PgConnection, sql: &'static str) -> Result<Self, sqlx::Error> {
        let rows: Vec<(i16, String)> = sqlx::query_as(sql).fetch_all(conn).await?;
        Ok(Self(rows.into_iter().collect()))
    }

    fn check(&self, bit: i16, name: &str) -> Result<(), PublishError> {
        if let Some((&stored, _)) = self.0.iter().find(|(_, known)| *known == name)
            && stored != bit
        {
            let name = name.to_owned();
            return Err(PublishError::BitChanged { name, stored, declared: bit });
        }
        match self.0.get(&bit) {
            Some(stored) if stored != name => {
                let (stored, declared) = (stored.clone(), name.to_owned());
                Err(PublishError::BitReused { bit, stored, declared })
            }
            _ => Ok(()),
        }
    }
}

const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::High => "high",
        Risk::Critical => "critical",
    }
}
