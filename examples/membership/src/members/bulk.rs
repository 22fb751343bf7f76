//! One change to many members, all of them or none.

use chrono::{DateTime, Utc};
use saas_core::auth::Principal;
use saas_rbac::require::{Granted, NotGranted};
use saas_tenancy::db::TenantTx;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    MemberFilter, MemberId, MemberStatus,
    conditions::{Conditions, bind},
    error::MemberError,
};
use crate::{
    access::perm::members::{Deactivate, Update},
    membership_types::MembershipTypeId,
};

/// How many members can be named by their ids.
pub const MAX_IDS: usize = 10_000;

/// What is done to each of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkChange {
    /// Sets the status.
    Status(MemberStatus),
    /// Sets the tier.
    Type(MembershipTypeId),
}

/// A change that somebody may make.
#[derive(Debug)]
pub struct GrantedChange(BulkChange);

impl BulkChange {
    /// Checks whether `principal` may make the change: it is the permission that the same change of
    /// one member needs.
    ///
    /// # Errors
    /// [`NotGranted`] when they may not.
    pub fn granted_to(self, principal: &Principal) -> Result<GrantedChange, NotGranted> {
        match self {
            Self::Status(MemberStatus::Inactive) => {
                Granted::<Deactivate>::of(principal).map(drop)?;
            }
            Self::Status(_) | Self::Type(_) => Granted::<Update>::of(principal).map(drop)?,
        }
        Ok(GrantedChange(self))
    }
}

/// Which members it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkTarget {
    /// These, each of which must exist.
    Ids(Vec<MemberId>),
    /// All that match.
    Filter(MemberFilter),
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BulkResult {
    /// Which one.
    #[schema(value_type = Uuid)]
    pub id: MemberId,
    /// Whether the member is now as it was asked for.
    pub ok: bool,
    /// `unchanged` if the member was like that before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// Changes all members of `target` in one statement, and says what became of each, by id.
///
/// The rows are locked in the order of their ids, so two bulk changes wait for each other instead
/// of deadlocking.
///
/// # Errors
/// [`MemberError::NotFound`] if one of the ids is not a member's: the transaction must then be
/// dropped, and nothing is changed. [`MemberError::UnknownMembershipType`] if there is no such
/// type.
pub async fn bulk(
    tx: &mut TenantTx<'_>,
    target: &BulkTarget,
    change: GrantedChange,
    now: DateTime<Utc>,
) -> Result<Vec<BulkResult>, MemberError> {
    let GrantedChange(change) = change;
    let all = MemberFilter::default();
    let (sql, filter) = match target {
        BulkTarget::Ids(_) => (by_ids(change), &all),
        BulkTarget::Filter(filter) => (by_filter(change, Conditions::of(filter)), filter),
    };
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now);
    query = match change {
        BulkChange::Status(status) => query.bind(status.as_str()),
        BulkChange::Type(id) => query.bind(id.as_uuid()),
    };
    if let BulkTarget::Ids(ids) = target {
        query = query.bind(distinct(ids));
    }
    let rows = bind(query, filter).fetch_all(&mut *tx).await?;
    if let BulkTarget::Ids(ids) = target
        && rows.len() < distinct(ids).len()
    {
        return Err(MemberError::NotFound);
    }
    rows.iter().map(result).collect::<Result<_, _>>().map_err(MemberError::Database)
}

fn distinct(ids: &[MemberId]) -> Vec<Uuid> {
    let mut ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn result(row: &PgRow) -> Result<BulkResult, sqlx::Error> {
    let changed: bool = row.try_get(1)?;
    let code = if changed { None } else { Some("unchanged") };
    Ok(BulkResult { id: MemberId::from_uuid(row.try_get(0)?), ok: true, code })
}

fn by_ids(change: BulkChange) -> String {
    statement(change, " where id = any($3)")
}

fn by_filter(change: BulkChange, conditions: Conditions) -> String {
    statement(change, &conditions.clause(3))
}

fn statement(change: BulkChange, filter: &str) -> String {
    let column = match change {
        BulkChange::Status(_) => "status",
        BulkChange::Type(_) => "membership_type_id",
    };
    format!(
        "with wanted as materialized (
             select id from members{filter} order by id for update
         ),
         changed as (
             update members m set {column} = $2, updated_at = $1, version = m.version + 1
             from wanted w where m.id = w.id and m.{column} <> $2
             returning m.id
         )
         select w.id, c.id is not null from wanted w left join changed c on c.id = w.id
         order by w.id"
    )
}

/// Every text of this module.
pub(super) fn statements() -> Vec<String> {
    let changes = [
        BulkChange::Status(MemberStatus::Active),
        BulkChange::Type(MembershipTypeId::from_uuid(Uuid::nil())),
    ];
    let one = |change| {
        let by_filter =
            Conditions::all().into_iter().map(move |conditions| by_filter(change, conditions));
        std::iter::once(by_ids(change)).chain(by_filter)
    };
    changes.into_iter().flat_map(one).collect()
}
