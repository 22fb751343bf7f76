//! The statements on connections and identities.

use chrono::{DateTime, Utc};
use saas_core::{TenantId, UserId};
use saas_tenancy::{TenancyError, db::ControlTx};
use sqlx::{Row, postgres::PgRow};

use super::{Connection, ConnectionId, Identity, Newcomers};
use crate::user::{User, read_user, user_columns};

/// The columns that [`read`] reads.
macro_rules! columns {
    () => {
        "id, tenant_id, name, issuer, client_id, sealed_client_secret, role_mask, created_at"
    };
}

fn read(row: &PgRow) -> Result<Connection, sqlx::Error> {
    let role_mask: Option<i64> = row.try_get("role_mask")?;
    let tenant: Option<uuid::Uuid> = row.try_get("tenant_id")?;
    Ok(Connection {
        id: ConnectionId::from_uuid(row.try_get("id")?),
        tenant: tenant.map(TenantId::from_uuid),
        name: row.try_get("name")?,
        issuer: row.try_get("issuer")?,
        client_id: row.try_get("client_id")?,
        newcomers: if role_mask.is_some() { Newcomers::Admitted } else { Newcomers::Refused },
        created_at: row.try_get("created_at")?,
        sealed_client_secret: row.try_get("sealed_client_secret")?,
    })
}

pub(super) async fn insert(
    tx: &mut ControlTx,
    one: &Connection,
    role_mask: Option<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query(concat!(
        "insert into saas_rbac.connections (",
        columns!(),
        ") values ($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .bind(one.id.as_uuid())
    .bind(one.tenant.map(|tenant| tenant.as_uuid()))
    .bind(&one.name)
    .bind(&one.issuer)
    .bind(&one.client_id)
    .bind(&one.sealed_client_secret)
    .bind(role_mask)
    .bind(one.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// The connections of a tenant, and those for all if `tenant` is `None`.
pub(super) async fn list(
    tx: &mut ControlTx,
    tenant: Option<TenantId>,
) -> Result<Vec<Connection>, sqlx::Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from saas_rbac.connections where tenant_id is not distinct from $1
         order by lower(name), id"
    ))
    .bind(tenant.map(|tenant| tenant.as_uuid()))
    .fetch_all(tx)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn find(
    tx: &mut ControlTx,
    id: ConnectionId,
) -> Result<Option<Connection>, sqlx::Error> {
    let sql = concat!("select ", columns!(), " from saas_rbac.connections where id = $1");
    let row = sqlx::query(sql).bind(id.as_uuid()).fetch_optional(tx).await?;
    row.as_ref().map(read).transpose()
}

/// What newcomers get by a connection, if it is still as it was. It stays so until the transaction
/// ends.
pub(super) async fn hold(
    tx: &mut ControlTx,
    one: &Connection,
) -> Result<Option<Option<i64>>, sqlx::Error> {
    let sql = "select role_mask from saas_rbac.connections
         where id = $1 and issuer = $2 and client_id = $3 for share";
    let query = sqlx::query_scalar(sql).bind(one.id.as_uuid()).bind(&one.issuer);
    query.bind(&one.client_id).fetch_optional(tx).await
}

pub(super) async fn delete(
    tx: &mut ControlTx,
    tenant: Option<TenantId>,
    id: ConnectionId,
) -> Result<Option<Connection>, sqlx::Error> {
    let row = sqlx::query(concat!(
        "delete from saas_rbac.connections
         where id = $1 and tenant_id is not distinct from $2 returning ",
        columns!()
    ))
    .bind(id.as_uuid())
    .bind(tenant.map(|tenant| tenant.as_uuid()))
    .fetch_optional(tx)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Waits until nobody else connects this identity.
pub(super) async fn take_turn(tx: &mut ControlTx, of: &Identity) -> Result<(), TenancyError> {
    let sql = "select pg_advisory_xact_lock(
             hashtextextended('saas_rbac.identities:' || $1 || ' ' || $2, 0))";
    sqlx::query(sql).bind(&of.issuer).bind(&of.subject).execute(tx).await?;
    Ok(())
}

/// The person who is known by an identity, and since when.
pub(super) async fn person(
    tx: &mut ControlTx,
    of: &Identity,
) -> Result<Option<(User, DateTime<Utc>)>, TenancyError> {
    let sql = concat!(
        "select ",
        user_columns!(),
        ", i.created_at as linked_at
         from saas_rbac.identities i join saas_rbac.users u on u.id = i.user_id
         where i.issuer = $1 and i.subject = $2",
    );
    let query = sqlx::query(sql).bind(&of.issuer).bind(&of.subject);
    let Some(row) = query.fetch_optional(tx).await? else { return Ok(None) };
    Ok(Some((read_user(&row)?, row.try_get("linked_at")?)))
}

/// The person with this address, and whether they have a second factor.
pub(super) async fn with_address(
    tx: &mut ControlTx,
    email: &str,
) -> Result<Option<(User, bool)>, TenancyError> {
    let sql = concat!(
        "select ",
        user_columns!(),
        ", exists (select from saas_rbac.second_factors f
                   where f.user_id = u.id and f.confirmed_at is not null) as has_second_factor
         from saas_rbac.users u where lower(u.email) = lower($1) for share of u",
    );
    let Some(row) = sqlx::query(sql).bind(email).fetch_optional(tx).await? else { return Ok(None) };
    Ok(Some((read_user(&row)?, row.try_get("has_second_factor")?)))
}

/// Ties an identity to a person, or ties it anew.
pub(super) async fn connect(
    tx: &mut ControlTx,
    user: UserId,
    to: &Identity,
    now: DateTime<Utc>,
) -> Result<(), TenancyError> {
    let sql = "insert into saas_rbac.identities (issuer, subject, user_id, created_at)
         values ($1, $2, $3, $4)
         on conflict (issuer, subject) do update set created_at = excluded.created_at";
    let query = sqlx::query(sql).bind(&to.issuer).bind(&to.subject);
    query.bind(user.as_uuid()).bind(now).execute(tx).await?;
    Ok(())
}

/// Adds a person without a password; `None` when somebody has got the address in the meantime.
pub(super) async fn insert_person(
    tx: &mut ControlTx,
    id: UserId,
    (email, verified_at): (&str, Option<DateTime<Utc>>),
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<User>, TenancyError> {
    let sql = concat!(
        "insert into saas_rbac.users as u (id, email, name, email_verified_at, created_at)
         values ($1, $2, $3, $4, $5) on conflict do nothing returning ",
        user_columns!(),
    );
    let query = sqlx::query(sql).bind(id.as_uuid()).bind(email).bind(name);
    let row = query.bind(verified_at).bind(now).fetch_optional(tx).await?;
    row.as_ref().map(read_user).transpose()
}

pub(super) async fn join(
    tx: &mut ControlTx,
    tenant: TenantId,
    user: UserId,
    role_mask: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let sql = "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
         values ($1, $2, $3, $4)";
    let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(user.as_uuid());
    query.bind(role_mask).bind(now).execute(tx).await?;
    Ok(())
}
