use std::collections::HashMap;

use saas_rbac::require::Granted;
use saas_tenancy::db::TenantTx;
use sqlx::{Row as _, postgres::PgRow};

use super::{
    error::MembershipTypeError,
    membership_type::{MembershipType, MembershipTypeChange, MembershipTypeId, columns},
};
use crate::{access::perm::membership_types::Manage, version::Expected};

/// How many types a tenant can have. A list of them is not paged.
pub const MAX_TYPES: i64 = 200;

/// All types, by name.
///
/// # Errors
/// [`MembershipTypeError::Database`] if the statement fails.
pub async fn list(tx: &mut TenantTx<'_>) -> Result<Vec<MembershipType>, MembershipTypeError> {
    let rows = sqlx::query(LIST).fetch_all(&mut *tx).await?;
    Ok(rows.iter().map(MembershipType::from_row).collect::<Result<_, _>>()?)
}

const LIST: &str =
    concat!("select ", columns!(), " from membership_types order by lower(name), id");

/// The ids of all types, by their names in lower case.
///
/// # Errors
/// What the statement fails with.
pub async fn ids_by_name(
    tx: &mut TenantTx<'_>,
) -> Result<HashMap<String, MembershipTypeId>, sqlx::Error> {
    let read = |row: PgRow| {
        let name: &str = row.try_get(1)?;
        Ok((name.to_lowercase(), MembershipTypeId::from_uuid(row.try_get(0)?)))
    };
    sqlx::query(NAMES).fetch_all(&mut *tx).await?.into_iter().map(read).collect()
}

const NAMES: &str = "select id, name from membership_types";

/// The type `id`.
///
/// # Errors
/// [`MembershipTypeError::NotFound`] if the tenant has no such type.
pub async fn get(
    tx: &mut TenantTx<'_>,
    id: MembershipTypeId,
) -> Result<MembershipType, MembershipTypeError> {
    let row = sqlx::query(GET).bind(id.as_uuid()).fetch_optional(&mut *tx).await?;
    Ok(MembershipType::from_row(&row.ok_or(MembershipTypeError::NotFound)?)?)
}

const GET: &str = concat!("select ", columns!(), " from membership_types where id = $1");

/// Adds a type.
///
/// # Errors
/// [`MembershipTypeError::NameTaken`] if the tenant has a type of this name,
/// [`MembershipTypeError::Full`] if it has [`MAX_TYPES`].
pub async fn create(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Manage>,
    id: MembershipTypeId,
    new: &MembershipTypeChange,
) -> Result<MembershipType, MembershipTypeError> {
    let row = bind(sqlx::query(CREATE).bind(id.as_uuid()), new)
        .bind(MAX_TYPES)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(MembershipType::from_row(&row.ok_or(MembershipTypeError::Full)?)?)
}

const CREATE: &str = concat!(
    "insert into membership_types (id, name, price_amount, price_currency, billing_interval,
         features, created_at, updated_at)
     select $1, $2, $3, $4, $5, $6, $7, $7
     where (select count(*) from membership_types) < $8
     returning ",
    columns!()
);

/// Changes the type `id`, if its version is one that is expected.
///
/// # Errors
/// [`MembershipTypeError::NotFound`] if the tenant has no such type,
/// [`MembershipTypeError::Stale`] if its version is another one,
/// [`MembershipTypeError::NameTaken`] if another type has the name.
pub async fn update(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Manage>,
    id: MembershipTypeId,
    expected: &Expected,
    change: &MembershipTypeChange,
) -> Result<MembershipType, MembershipTypeError> {
    let row = bind(sqlx::query(UPDATE).bind(id.as_uuid()), change)
        .bind(expected.argument())
        .fetch_optional(&mut *tx)
        .await?;
    match row {
        Some(row) => Ok(MembershipType::from_row(&row)?),
        None => get(tx, id).await.and(Err(MembershipTypeError::Stale)),
    }
}

const UPDATE: &str = concat!(
    "update membership_types
     set name = $2, price_amount = $3, price_currency = $4, billing_interval = $5, features = $6,
         updated_at = $7, version = version + 1
     where id = $1 and ($8::bigint[] is null or version = any($8))
     returning ",
    columns!()
);

/// Deletes the type `id`, if its version is one that is expected.
///
/// # Errors
/// [`MembershipTypeError::NotFound`] if the tenant has no such type,
/// [`MembershipTypeError::Stale`] if its version is another one, [`MembershipTypeError::InUse`] if
/// members belong to it.
pub async fn delete(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Manage>,
    id: MembershipTypeId,
    expected: &Expected,
) -> Result<(), MembershipTypeError> {
    let done =
        sqlx::query(DELETE).bind(id.as_uuid()).bind(expected.argument()).execute(&mut *tx).await?;
    if done.rows_affected() > 0 {
        return Ok(());
    }
    get(tx, id).await.and(Err(MembershipTypeError::Stale))
}

const DELETE: &str = "
    delete from membership_types
    where id = $1 and ($2::bigint[] is null or version = any($2))";

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Binds the arguments `$2` to `$7`.
fn bind<'q>(query: Query<'q>, change: &'q MembershipTypeChange) -> Query<'q> {
    query
        .bind(change.name.as_str())
        .bind(change.price.amount)
        .bind(change.price.currency.to_string())
        .bind(change.interval.as_str())
        .bind(change.features.as_slice())
        .bind(change.at)
}

/// Every statement of this module, so that a test can have the database check them all.
#[must_use]
pub fn statements() -> Vec<String> {
    [LIST, NAMES, GET, CREATE, UPDATE, DELETE].map(str::to_owned).to_vec()
}
