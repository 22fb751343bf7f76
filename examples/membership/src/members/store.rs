//! One member at a time.

use chrono::{DateTime, Utc};
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantTx;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Member, MemberChange, MemberId, NewMember, error::MemberError, member::COLUMNS};
use crate::{
    access::perm::members::{Create, Deactivate, Update},
    version::Expected,
};

/// The member `id`.
///
/// # Errors
/// [`MemberError::NotFound`] if the tenant has no such member.
pub async fn get(tx: &mut TenantTx<'_>, id: MemberId) -> Result<Member, MemberError> {
    let query = sqlx::query(AssertSqlSafe(get_sql())).bind(id.as_uuid());
    let row = query.fetch_optional(&mut *tx).await?.ok_or(MemberError::NotFound)?;
    Ok(Member::from_row(&row, 0)?)
}

fn get_sql() -> String {
    format!(
        "select {COLUMNS} from members m
         join membership_types t on t.id = m.membership_type_id
         where m.id = $1"
    )
}

/// Adds a member.
///
/// # Errors
/// [`MemberError::EmailTaken`] if the tenant has a member with this address,
/// [`MemberError::UnknownMembershipType`] if it has no such type.
pub async fn create(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Create>,
    new: &NewMember,
) -> Result<Member, MemberError> {
    let row = sqlx::query(AssertSqlSafe(create_sql()))
        .bind(new.id.as_uuid())
        .bind(new.first_name.as_str())
        .bind(new.last_name.as_str())
        .bind(new.email.as_str())
        .bind(new.status.as_str())
        .bind(new.membership_type.as_uuid())
        .bind(new.created_at)
        .fetch_one(&mut *tx)
        .await?;
    Ok(Member::from_row(&row, 0)?)
}

/// The foreign key is checked when the statement ends, so an unknown type is an error and not an
/// empty answer.
fn create_sql() -> String {
    format!(
        "with m as (
             insert into members (id, first_name, last_name, email, status, membership_type_id,
                 created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)
             returning {ROW}
         )
         select {COLUMNS} from m join membership_types t on t.id = m.membership_type_id"
    )
}

/// What a change returns of the row, to be joined with its type.
const ROW: &str = "id, first_name, last_name, email, status, membership_type_id, created_at, \
    updated_at, last_activity_at, version";

/// Changes the member `id`, if its version is one that is expected.
///
/// # Errors
/// [`MemberError::NotFound`] if the tenant has no such member, [`MemberError::Stale`] if its
/// version is another one, and those of [`create`].
pub async fn update(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Update>,
    id: MemberId,
    expected: &Expected,
    change: &MemberChange,
) -> Result<Member, MemberError> {
    let changed = sqlx::query(AssertSqlSafe(update_sql()))
        .bind(id.as_uuid())
        .bind(expected.argument())
        .bind(change.first_name.as_str())
        .bind(change.last_name.as_str())
        .bind(change.email.as_str())
        .bind(change.status.map(super::MemberStatus::as_str))
        .bind(change.membership_type.as_uuid())
        .bind(change.updated_at)
        .fetch_optional(&mut *tx)
        .await?;
    match changed {
        Some(row) => Ok(Member::from_row(&row, 0)?),
        None => Err(match state(tx, id).await? {
            Some(_) => MemberError::Stale,
            None => MemberError::NotFound,
        }),
    }
}

fn update_sql() -> String {
    format!(
        "with m as (
             update members
             set first_name = $3, last_name = $4, email = $5, status = coalesce($6, status),
                 membership_type_id = $7, updated_at = $8, version = version + 1
             where id = $1 and ($2::bigint[] is null or version = any($2))
             returning {ROW}
         )
         select {COLUMNS} from m join membership_types t on t.id = m.membership_type_id"
    )
}

/// Makes the member `id` inactive; the row stays. Nothing happens if it is inactive already.
///
/// # Errors
/// [`MemberError::NotFound`] if the tenant has no such member, [`MemberError::Stale`] if its
/// version is not one that is expected.
pub async fn deactivate(
    tx: &mut TenantTx<'_>,
    _may: &Granted<Deactivate>,
    id: MemberId,
    expected: &Expected,
    now: DateTime<Utc>,
) -> Result<(), MemberError> {
    let changed = sqlx::query(DEACTIVATE)
        .bind(id.as_uuid())
        .bind(expected.argument())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    if changed.rows_affected() > 0 {
        return Ok(());
    }
    match state(tx, id).await? {
        None => Err(MemberError::NotFound),
        Some(State { status, version }) if status == "inactive" && expected.allows(version) => {
            Ok(())
        }
        Some(_) => Err(MemberError::Stale),
    }
}

const DEACTIVATE: &str = "
    update members set status = 'inactive', updated_at = $3, version = version + 1
    where id = $1 and status <> 'inactive' and ($2::bigint[] is null or version = any($2))";

/// What is asked of a member that was not changed.
struct State {
    status: String,
    version: i64,
}

async fn state(tx: &mut TenantTx<'_>, id: MemberId) -> Result<Option<State>, MemberError> {
    let row = sqlx::query(STATE).bind(id.as_uuid()).fetch_optional(&mut *tx).await?;
    let read = |row: sqlx::postgres::PgRow| {
        Ok(State { status: row.try_get(0)?, version: row.try_get(1)? })
    };
    row.map(read).transpose().map_err(MemberError::Database)
}

const STATE: &str = "select status, version from members where id = $1";

/// Every text of this module.
pub(super) fn statements() -> Vec<String> {
    vec![get_sql(), create_sql(), update_sql(), DEACTIVATE.to_owned(), STATE.to_owned()]
}
