//! The one place through which every change of access is noted.

use saas_core::{
    AuditEntry, Clock, Scope,
    audit::{Action, Changes, Target},
};
use saas_tenancy::{audit::append_pending, db::ControlTx};
use serde_json::Value;

use crate::error::AccessError;

/// Notes a change within the transaction that makes it: a change whose entry cannot be written fails
/// with it. The log itself is in the tenant's home; the entry waits in the control plane until it is
/// relayed there.
pub(crate) async fn note(tx: &mut ControlTx, entry: AuditEntry) -> Result<(), AccessError> {
    append_pending(tx, &entry).await.map_err(|error| AccessError::Database(error.into()))
}

/// An entry for something that was done to `kind` number `id`. `changes` has what was there
/// `before` and is there `after`; without either, all of it is what is there now.
pub(crate) fn entry(
    scope: &Scope,
    clock: &Clock,
    action: Action,
    target: (&'static str, impl ToString),
    mut changes: Value,
) -> AuditEntry {
    let mut side = |name| changes.get_mut(name).map(Value::take);
    let changes = match (side("before"), side("after")) {
        (Some(before), Some(after)) => Changes::between(&before, &after),
        (Some(before), None) => Changes::deleted(&before),
        (None, Some(after)) => Changes::created(&after),
        (None, None) => Changes::created(&changes),
    };
    let (kind, id) = target;
    AuditEntry::new(scope, action, Target::new(kind, id.to_string()), clock).with_changes(changes)
}
