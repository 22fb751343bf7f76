//! What the store does across tenants, each within one transaction.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use saas_core::TenantId;
use sqlx::types::Json;

use super::rows::{self, select_tenant, tenant_columns};
use crate::{
    db::SystemTx,
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::Isolation,
    store::{KNOWN_SERVER, TenantChange},
    tenant::{NewTenant, Tenant},
};

pub(super) async fn list(
    tx: &mut SystemTx,
    after: Option<TenantId>,
    limit: i64,
) -> Result<Vec<Arc<Tenant>>, TenancyError> {
    let sql = select_tenant!(
        "saas_tenancy.tenants where ($1::uuid is null or id > $1) order by id limit $2"
    );
    let query = sqlx::query(sql).bind(after.map(TenantId::as_uuid)).bind(limit);
    let found = query.fetch_all(tx).await.map_err(failed)?;
    found.iter().map(|row| rows::tenant(row).map(Arc::new)).collect()
}

pub(super) async fn insert(
    tx: &mut SystemTx,
    new: NewTenant,
    now: DateTime<Utc>,
) -> Result<Tenant, TenancyError> {
    // Waits for a rival with the same slug or id, so only one of them gets a row here.
    let sql = "insert into saas_tenancy.used_slugs (slug, tenant_id) values ($1, $2)
         on conflict do nothing";
    let query = sqlx::query(sql).bind(new.slug.as_str()).bind(new.id.as_uuid());
    let mine = query.execute(&mut *tx).await.map_err(failed)?.rows_affected() == 1;
    if mine { insert_row(tx, &new, now).await } else { stored(tx, &new).await }
}

async fn insert_row(
    tx: &mut SystemTx,
    new: &NewTenant,
    now: DateTime<Utc>,
) -> Result<Tenant, TenancyError> {
    let sql = concat!(
        "insert into saas_tenancy.tenants
             (id, slug, name, server_id, isolation, settings, limits, created_at)
         values ($1, $2, $3, coalesce($4, (
             select s.id from saas_tenancy.servers s order by s.is_default desc, s.name limit 1
         )), $5, $6, $7, $8)
         returning ",
        tenant_columns!(),
    );
    let query = sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.slug.as_str())
        .bind(&new.name)
        .bind(new.server.map(|server| server.as_uuid()))
        .bind(new.isolation.as_str())
        .bind(Json(&new.settings))
        .bind(Json(new.limits))
        .bind(now);
    let row = query.fetch_one(tx).await.map_err(|error| refused(error, new.isolation))?;
    rows::tenant(&row)
}

/// The tenant that a repeated insert means, or why it is not one.
async fn stored(tx: &mut SystemTx, new: &NewTenant) -> Result<Tenant, TenancyError> {
    let sql = select_tenant!("saas_tenancy.tenants where id = $1");
    let query = sqlx::query(sql).bind(new.id.as_uuid());
    if let Some(row) = query.fetch_optional(&mut *tx).await.map_err(failed)? {
        let tenant = rows::tenant(&row)?;
        return if tenant.slug == new.slug { Ok(tenant) } else { Err(TenancyError::Stale) };
    }
    let sql = "select exists (select 1 from saas_tenancy.used_slugs where slug = $1)";
    let query = sqlx::query_scalar(sql).bind(new.slug.as_str());
    let taken: bool = query.fetch_one(tx).await.map_err(failed)?;
    Err(if taken { TenancyError::SlugTaken } else { TenancyError::Stale })
}

pub(super) async fn mark_ready(
    tx: &mut SystemTx,
    id: TenantId,
    now: DateTime<Utc>,
) -> Result<(), TenancyError> {
    let sql = "update saas_tenancy.tenants set ready_at = $2 where id = $1 and ready_at is null";
    let query = sqlx::query(sql).bind(id.as_uuid()).bind(now);
    if query.execute(&mut *tx).await.map_err(failed)?.rows_affected() == 1 {
        return Ok(());
    }
    if exists(tx, id).await? { Ok(()) } else { Err(TenancyError::NotFound) }
}

pub(super) async fn update(
    tx: &mut SystemTx,
    id: TenantId,
    change: TenantChange,
    expected: Option<i64>,
) -> Result<Tenant, TenancyError> {
    let sql = concat!(
        "update saas_tenancy.tenants set
             name = coalesce($3, name), status = coalesce($4, status),
             server_id = coalesce($5, server_id), isolation = coalesce($6, isolation),
             settings = coalesce($7, settings), limits = coalesce($8, limits),
             version = version + 1
         where id = $1 and ($2::bigint is null or version = $2)
         returning ",
        tenant_columns!(),
    );
    let to = change.placement;
    let query = sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(expected)
        .bind(change.name)
        .bind(change.status.map(|status| status.as_str()))
        .bind(to.map(|placement| placement.server.as_uuid()))
        .bind(to.map(|placement| placement.isolation.as_str()))
        .bind(change.settings.map(Json))
        .bind(change.limits.map(Json));
    let isolation = to.map_or(Isolation::default(), |placement| placement.isolation);
    let row = query.fetch_optional(&mut *tx).await.map_err(|error| refused(error, isolation))?;
    match row {
        Some(row) => rows::tenant(&row),
        None if exists(tx, id).await? => Err(TenancyError::Stale),
        None => Err(TenancyError::NotFound),
    }
}

pub(super) async fn remove(tx: &mut SystemTx, id: TenantId) -> Result<(), TenancyError> {
    // The domains go with it, by their foreign key. The journal of provisioning stays: whoever
    // writes it closes it.
    let sql = "delete from saas_tenancy.tenants where id = $1 returning ready_at is not null";
    let query = sqlx::query_scalar(sql).bind(id.as_uuid());
    let was_ready: Option<bool> = query.fetch_optional(&mut *tx).await.map_err(failed)?;
    if was_ready == Some(false) {
        let sql = "delete from saas_tenancy.used_slugs where tenant_id = $1";
        sqlx::query(sql).bind(id.as_uuid()).execute(tx).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn claim_domain(tx: &mut SystemTx, domain: &Domain) -> Result<(), TenancyError> {
    // Two claims at once may both pass: it is the proof that decides, and the index behind it.
    let sql = "insert into saas_tenancy.domains (id, tenant_id, name, token)
         select $1, $2, $3, $4 where not exists (
             select 1 from saas_tenancy.domains where name = $3 and verified_at is not null
         )";
    let query = sqlx::query(sql)
        .bind(domain.id.as_uuid())
        .bind(domain.tenant.as_uuid())
        .bind(domain.name.as_str())
        .bind(&domain.token);
    match query.execute(tx).await {
        Ok(done) if done.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(TenancyError::DomainTaken),
        Err(error) if violates(&error, "domains_of_tenant") => Err(TenancyError::NotFound),
        Err(error) => Err(taken(error)),
    }
}

pub(super) async fn set_verified(
    tx: &mut SystemTx,
    tenant: TenantId,
    domain: DomainId,
    at: Option<DateTime<Utc>>,
) -> Result<(), TenancyError> {
    let sql = "update saas_tenancy.domains set verified_at = $3 where tenant_id = $1 and id = $2";
    let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(domain.as_uuid()).bind(at);
    let done = query.execute(tx).await.map_err(taken)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(TenancyError::NotFound) }
}

pub(super) async fn release_domain(
    tx: &mut SystemTx,
    tenant: TenantId,
    domain: DomainId,
) -> Result<(), TenancyError> {
    let sql = "delete from saas_tenancy.domains where tenant_id = $1 and id = $2";
    let query = sqlx::query(sql).bind(tenant.as_uuid()).bind(domain.as_uuid());
    query.execute(tx).await.map_err(failed)?;
    Ok(())
}

async fn exists(tx: &mut SystemTx, id: TenantId) -> Result<bool, TenancyError> {
    let sql = "select exists (select 1 from saas_tenancy.tenants where id = $1)";
    sqlx::query_scalar(sql).bind(id.as_uuid()).fetch_one(tx).await.map_err(failed)
}

fn failed(error: sqlx::Error) -> TenancyError {
    TenancyError::store(error)
}

/// A placement that the fleet does not have, or a failure.
fn refused(error: sqlx::Error, isolation: Isolation) -> TenancyError {
    if violates(&error, "tenants_known_server") {
        TenancyError::Unprovisionable { isolation, needs: KNOWN_SERVER }
    } else {
        failed(error)
    }
}

/// A name or id that somebody has, or a failure.
fn taken(error: sqlx::Error) -> TenancyError {
    let unique = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    if unique { TenancyError::DomainTaken } else { failed(error) }
}

fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
