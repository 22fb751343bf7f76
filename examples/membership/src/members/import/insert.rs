use std::{borrow::Borrow, collections::HashSet};

use saas_tenancy::db::TenantTx;
use sqlx::Row as _;
use uuid::Uuid;

use crate::members::{MemberId, NewMember, error::MemberError};

/// How many members go into one statement.
const CHUNK: usize = 5_000;

/// Adds many members, skips those whose address is taken, and returns the ids of those it made.
///
/// `members` should be ordered by address: two inserts of the same addresses in different orders
/// can deadlock.
///
/// # Errors
/// [`MemberError::UnknownMembershipType`] if there is no such type, [`MemberError::Database`] if
/// the statement fails.
pub async fn insert<M: Borrow<NewMember>>(
    tx: &mut TenantTx<'_>,
    members: &[M],
) -> Result<HashSet<MemberId>, MemberError> {
    let mut made = HashSet::with_capacity(members.len());
    for chunk in members.chunks(CHUNK) {
        let column = |of: fn(&NewMember) -> &str| -> Vec<&str> {
            chunk.iter().map(|member| of(member.borrow())).collect()
        };
        let ids: Vec<Uuid> = chunk.iter().map(|one| one.borrow().id.as_uuid()).collect();
        let types: Vec<Uuid> =
            chunk.iter().map(|one| one.borrow().membership_type.as_uuid()).collect();
        let times: Vec<_> = chunk.iter().map(|one| one.borrow().created_at).collect();
        let rows = sqlx::query(INSERT)
            .bind(ids)
            .bind(column(|one| one.first_name.as_str()))
            .bind(column(|one| one.last_name.as_str()))
            .bind(column(|one| one.email.as_str()))
            .bind(column(|one| one.status.as_str()))
            .bind(types)
            .bind(times)
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            made.insert(MemberId::from_uuid(row.try_get(0)?));
        }
    }
    Ok(made)
}

/// `on conflict` decides what is a duplicate, so there is one opinion of it, and no race.
pub(super) const INSERT: &str = "
    insert into members (id, first_name, last_name, email, status, membership_type_id,
        created_at, updated_at)
    select id, first_name, last_name, email, status, membership_type_id, created_at, created_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[],
        $7::timestamptz[])
        as made (id, first_name, last_name, email, status, membership_type_id, created_at)
    on conflict do nothing
    returning id";
