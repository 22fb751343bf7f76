//! Rows of the schema `saas_tenancy` as values.

use std::str::FromStr;

use saas_core::{BoxError, TenantId};
use sqlx::{Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{
    domain::{Domain, DomainId},
    error::TenancyError,
    placement::{Placement, Server, ServerId},
    slug::Slug,
    tenant::Tenant,
};

/// The columns that [`tenant`] reads.
macro_rules! tenant_columns {
    () => {
        "id, slug, name, status, server_id, isolation, settings, limits, created_at, version"
    };
}

/// Selects what [`tenant`] reads from the given table or function and the clauses behind it.
macro_rules! select_tenant {
    ($from:literal) => {
        concat!("select ", $crate::store::postgres::rows::tenant_columns!(), " from ", $from)
    };
}

pub(super) use {select_tenant, tenant_columns};

pub(super) fn tenant(row: &PgRow) -> Result<Tenant, TenancyError> {
    let read = || {
        Ok::<_, BoxError>(Tenant {
            id: TenantId::from_uuid(row.try_get("id")?),
            slug: read(row, "slug", Slug::stored)?,
            name: row.try_get("name")?,
            status: parsed(row, "status")?,
            placement: Placement {
                server: ServerId::from_uuid(row.try_get("server_id")?),
                isolation: parsed(row, "isolation")?,
            },
            settings: row.try_get::<Json<_>, _>("settings")?.0,
            limits: row.try_get::<Json<_>, _>("limits")?.0,
            created_at: row.try_get("created_at")?,
            version: row.try_get("version")?,
        })
    };
    read().map_err(TenancyError::Store)
}

pub(super) fn domain(row: &PgRow) -> Result<Domain, TenancyError> {
    let read = || {
        Ok::<_, BoxError>(Domain {
            id: DomainId::from_uuid(row.try_get("id")?),
            tenant: TenantId::from_uuid(row.try_get("tenant_id")?),
            name: parsed(row, "name")?,
            token: row.try_get("token")?,
            verified_at: row.try_get("verified_at")?,
        })
    };
    read().map_err(TenancyError::Store)
}

pub(super) fn server(row: &PgRow) -> Result<Server, TenancyError> {
    let read = || {
        let capacity: Option<i32> = row.try_get("capacity")?;
        Ok::<_, BoxError>(Server {
            id: ServerId::from_uuid(row.try_get::<Uuid, _>("id")?),
            name: row.try_get("name")?,
            secret_ref: row.try_get("secret_ref")?,
            capacity: capacity.map(u32::try_from).transpose()?,
        })
    };
    read().map_err(TenancyError::Store)
}

/// A text column as the type it was written from.
fn parsed<T>(row: &PgRow, column: &'static str) -> Result<T, BoxError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    read(row, column, str::parse)
}

fn read<T, E>(
    row: &PgRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, BoxError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    parse(row.try_get(column)?).map_err(|source| {
        sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() }.into()
    })
}
