//! The questions to the database.

use saas_core::{Actor, Clock, RequestId, Scope, TenantId, UserId};
use saas_tenancy::db::TenantDatabases;
use sqlx::{Row, postgres::PgRow};

use super::{Member, Person};
use crate::{
    error::AccessError,
    model::AccessModel,
    sql::{from_bits, unavailable},
};

pub(super) async fn member(
    databases: &TenantDatabases,
    model: &AccessModel,
    clock: &Clock,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Member>, AccessError> {
    let scope = Scope::new(tenant, Actor::system("authorize"), RequestId::generate(clock));
    let mut tx = databases.control(&scope).await?;
    let row = sqlx::query(
        "select m.role_mask, m.denied::text as denied, u.epoch, own.names, own.mask::text as mask
         from saas_rbac.memberships m
         join saas_rbac.users u on u.id = m.user_id
         cross join lateral (
             select coalesce(array_agg(r.name order by lower(r.name)), '{}') as names,
                    bit_or(r.mask) as mask
             from saas_rbac.roles r
             where r.tenant_id = m.tenant_id and m.role_mask & (1::bigint << r.bit) <> 0
         ) own
         where m.tenant_id = $1 and m.user_id = $2 and u.disabled_at is null",
    )
    .bind(tenant.as_uuid())
    .bind(user.as_uuid())
    .fetch_optional(&mut tx)
    .await
    .map_err(unavailable)?;
    row.map(|row| read(&row, model, tenant, user).map_err(unavailable)).transpose()
}

fn read(
    row: &PgRow,
    model: &AccessModel,
    tenant: TenantId,
    user: UserId,
) -> Result<Member, sqlx::Error> {
    let role_mask: i64 = row.try_get("role_mask")?;
    let fixed = model.fixed_roles();
    let own: Vec<String> = row.try_get("names")?;
    let mask: Option<&str> = row.try_get("mask")?;
    let permissions = fixed.permissions(role_mask).union(mask.map(from_bits).unwrap_or_default());
    Ok(Member {
        tenant,
        user,
        role_mask,
        roles: fixed.in_mask(role_mask).map(|role| role.name().to_owned()).chain(own).collect(),
        permissions,
        denied: from_bits(row.try_get("denied")?),
        epoch: row.try_get("epoch")?,
    })
}

pub(super) async fn person(
    databases: &TenantDatabases,
    user: UserId,
) -> Result<Option<Person>, AccessError> {
    let mut tx = databases.identity().await?;
    let found: Option<(i64, bool)> = sqlx::query_as(
        "select epoch, is_super_admin from saas_rbac.users where id = $1 and disabled_at is null",
    )
    .bind(user.as_uuid())
    .fetch_optional(&mut tx)
    .await
    .map_err(unavailable)?;
    Ok(found.map(|(epoch, is_super_admin)| Person { epoch, is_super_admin }))
}
