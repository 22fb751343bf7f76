//! What the application writes into its tenants' audit logs, beside what the framework writes there.
//!
//! 1. Every change of a tenant's data adds one entry in the transaction that makes it, with what was
//!    there before and what is there now: see [`changed`] and its siblings. Changes of access are
//!    noted by `saas_rbac` in the same way.
//! 2. Whoever has signed in and is refused for lack of a right (403) leaves an entry, too: see
//!    `watch`.
//! 3. The entry names the address and the device of the request, and its session or key.
//! 4. Reads are not noted, but for those that take the log itself out of the application.

pub mod action;
mod open;
mod watch;

use saas_core::{
    Actor, AuditEntry, Clock, Problem, RequestId, Scope,
    audit::{Action, Changes, Target},
};
use saas_tenancy::{ResolvedTenant, Tenant, audit, db::TenantTx};
use serde::Serialize;
use serde_json::{Value, json};

pub use self::open::open;
pub(crate) use self::watch::watch;
use crate::{error::AppError, state::AppState};

/// Which thing was changed: its kind and its id.
pub type Thing<'a> = (&'static str, &'a (dyn ToString + Sync));

/// Notes that something was made.
///
/// # Errors
/// A problem with status 500 when the entry cannot be written. Then nothing is committed.
pub async fn made(
    tx: &mut TenantTx<'_>,
    clock: &Clock,
    action: Action,
    thing: Thing<'_>,
    after: &(impl Serialize + Sync),
) -> Result<(), AppError> {
    append(tx, clock, action, thing, Changes::created(&as_json(after)?)).await
}

/// Notes that something was changed.
///
/// # Errors
/// As [`made`].
pub async fn changed<T: Serialize + Sync>(
    tx: &mut TenantTx<'_>,
    clock: &Clock,
    action: Action,
    thing: Thing<'_>,
    (before, after): (&T, &T),
) -> Result<(), AppError> {
    append(tx, clock, action, thing, Changes::between(&as_json(before)?, &as_json(after)?)).await
}

/// Notes that something is gone.
///
/// # Errors
/// As [`made`].
pub async fn removed(
    tx: &mut TenantTx<'_>,
    clock: &Clock,
    action: Action,
    thing: Thing<'_>,
    before: &(impl Serialize + Sync),
) -> Result<(), AppError> {
    append(tx, clock, action, thing, Changes::deleted(&as_json(before)?)).await
}

/// Notes that a tenant was made, as the first entry of its log. What makes a tenant changes several
/// databases, so this comes when all of it is there.
///
/// # Errors
/// A problem with status 500 when the entry cannot be written; with 503 when a database cannot be
/// reached.
pub async fn tenant_made(
    AppState { store, databases, clock, .. }: &AppState,
    tenant: &Tenant,
    by: Actor,
    request: RequestId,
) -> Result<(), AppError> {
    let resolved = ResolvedTenant::by_id(&**store, tenant.id).await?;
    let mut db = databases.scoped(&resolved, by, request);
    let mut tx = db.begin().await?;
    let isolation = tenant.placement.isolation.as_str();
    let what = json!({ "slug": tenant.slug.as_str(), "name": tenant.name, "isolation": isolation });
    made(&mut tx, clock, action::TENANT_CREATE, ("tenant", &tenant.id), &what).await?;
    Ok(tx.commit().await?)
}

/// An entry for a change of the control plane, which the store writes in the transaction of the
/// change.
pub fn note(
    scope: &Scope,
    clock: &Clock,
    action: Action,
    (kind, id): Thing<'_>,
    (before, after): (Option<&Value>, Option<&Value>),
) -> AuditEntry {
    let changes = match (before, after) {
        (Some(before), Some(after)) => Changes::between(before, after),
        (Some(before), None) => Changes::deleted(before),
        (None, Some(after)) => Changes::created(after),
        (None, None) => Changes::default(),
    };
    AuditEntry::new(scope, action, Target::new(kind, id.to_string()), clock).with_changes(changes)
}

async fn append(
    tx: &mut TenantTx<'_>,
    clock: &Clock,
    action: Action,
    (kind, id): Thing<'_>,
    changes: Changes,
) -> Result<(), AppError> {
    let target = Target::new(kind, id.to_string());
    let entry = AuditEntry::new(tx.scope(), action, target, clock).with_changes(changes);
    Ok(audit::append(tx, &entry).await?)
}

fn as_json(value: &impl Serialize) -> Result<Value, AppError> {
    Ok(serde_json::to_value(value).map_err(Problem::internal)?)
}
