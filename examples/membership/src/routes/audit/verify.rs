use axum::extract::State;
use saas_core::Clock;
use saas_tenancy::{
    audit::{AuditLog, Verdict, Why},
    db::TenantDb,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    audit_log::{self, action::AUDIT_VERIFY},
    error::AppError,
};

/// Whether the log is as it was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditVerdict)]
pub(super) struct VerdictView {
    /// Whether everything is as it was written.
    sound: bool,
    /// The first entry that is wrong.
    first_bad: Option<BadView>,
    /// How many entries were compared with their hashes.
    checked: u64,
    /// How many are gone by retention, which a signature covers.
    expired: u64,
    /// The last number that was signed. What comes behind it could have been cut off unseen.
    through_checkpoint: Option<i64>,
}

/// An entry that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BadAuditEntry)]
struct BadView {
    /// Its number.
    seq: i64,
    id: Option<Uuid>,
    /// `edited`, `missing`, `out_of_order`, `cut_off`, `planted`, `rewritten`, `no_seal` or
    /// `bad_signature`.
    #[schema(value_type = String, example = "edited")]
    why: Why,
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        Self {
            sound: verdict.is_sound(),
            first_bad: verdict.first_bad.map(|bad| BadView {
                seq: bad.seq,
                id: bad.id,
                why: bad.why,
            }),
            checked: verdict.checked,
            expired: verdict.expired,
            through_checkpoint: verdict.through_checkpoint,
        }
    }
}

/// Compares the whole log with its chain of hashes, and the chain with what was signed.
///
/// What was done until now is sealed first. The check itself becomes an entry, with what it found.
#[utoipa::path(
    post, path = "/audit/verify", tag = "audit", operation_id = "verify_audit",
    responses((status = OK, body = VerdictView)),
)]
pub(super) async fn verify(
    State(clock): State<Clock>,
    State(audit): State<AuditLog>,
    mut db: TenantDb,
) -> Result<axum::Json<VerdictView>, AppError> {
    audit.seal_now(&mut db).await?;
    let verdict = VerdictView::from(audit.verify(&mut db).await?);
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    audit_log::made(&mut tx, &clock, AUDIT_VERIFY, ("audit_log", &tenant), &verdict).await?;
    tx.commit().await?;
    Ok(axum::Json(verdict))
}
