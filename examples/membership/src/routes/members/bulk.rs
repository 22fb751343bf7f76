use axum::extract::State;
use saas_core::{Clock, Problem, auth::Principal, permission::PermissionInfo, problem::FieldError};
use saas_rbac::rules::Rule;
use saas_tenancy::db::TenantDb;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::query::FilterBody;
use crate::{
    access::perm::members::{Deactivate, Update},
    audit_log::{self, action::MEMBER_BULK},
    error::AppError,
    input::Invalid,
    members::{self, BulkChange, BulkResult, BulkTarget, MAX_IDS, MemberId, MemberStatus},
    membership_types::MembershipTypeId,
    routes::extract::Json,
};

/// How many members an entry of the audit log names. It has room for no more.
const NAMED: usize = 200;

/// One change to many members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkInput)]
pub(super) struct BulkBody {
    /// What is done to each.
    action: BulkAction,
    /// Which members; either this or `filter`.
    #[schema(min_items = 1, max_items = 10_000)]
    member_ids: Option<Vec<Uuid>>,
    /// All members that match; an empty filter means all.
    filter: Option<FilterBody>,
    /// What the action needs to know.
    data: Option<BulkData>,
}

/// What is done to each member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub(super) enum BulkAction {
    /// Makes them active.
    Activate,
    /// Suspends them.
    Suspend,
    /// Makes them inactive.
    Deactivate,
    /// Moves them to the type in `data`.
    ChangeType,
}

impl TryFrom<String> for BulkAction {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Ok(match text.as_str() {
            "activate" => Self::Activate,
            "suspend" => Self::Suspend,
            "deactivate" => Self::Deactivate,
            "change_type" => Self::ChangeType,
            _ => {
                let detail = "must be one of `activate`, `suspend`, `deactivate`, `change_type`";
                return Err(Invalid::new("invalid_value", detail));
            }
        })
    }
}

/// What an action needs to know.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkData {
    /// The type to move to; for `change_type` only.
    membership_type_id: Option<Uuid>,
}

/// Somebody who may make no change at all is refused before the body is read.
pub(super) fn rule() -> Rule {
    Rule::any_of([PermissionInfo::of::<Update>(""), PermissionInfo::of::<Deactivate>("")])
}

/// What became of the members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkReport {
    /// What became of each, by id; of the first 10,000 if more are matched by a filter.
    results: Vec<BulkResult>,
    /// How many members were meant.
    matched: usize,
    /// How many of them were not yet as asked for.
    changed: usize,
}

/// Changes many members, all of them or none.
///
/// One id that is not a member's refuses the whole request.
#[utoipa::path(
    post, path = "/members/bulk", tag = "members", operation_id = "change_members",
    request_body = BulkBody,
    responses(
        (status = 200, description = "What became of the members", body = BulkReport),
        (status = 400, description = "The body is not JSON"),
        (status = 404, description = "One of the ids is not a member's; nothing was changed"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field is wrong; `errors` says which"),
    ),
)]
pub(super) async fn bulk(
    State(clock): State<Clock>,
    principal: Principal,
    mut db: TenantDb,
    Json(body): Json<BulkBody>,
) -> Result<axum::Json<BulkReport>, AppError> {
    let what = described(&body);
    let (target, change) = parse(body)?;
    let change = change.granted_to(&principal)?;
    let mut tx = db.begin().await?;
    let mut results = members::bulk(&mut tx, &target, change, clock.now()).await?;
    let matched = results.len();
    let changed = results.iter().filter(|result| result.code.is_none()).count();
    let done = json!({
        "change": what, "matched": matched, "changed": changed,
        "members": results.iter().take(NAMED).map(|result| result.id).collect::<Vec<_>>(),
    });
    let tenant = tx.scope().tenant();
    audit_log::made(&mut tx, &clock, MEMBER_BULK, ("tenant", &tenant), &done).await?;
    tx.commit().await?;
    results.truncate(MAX_IDS);
    Ok(axum::Json(BulkReport { results, matched, changed }))
}

/// What was asked for, for the audit log.
fn described(body: &BulkBody) -> serde_json::Value {
    let action = match body.action {
        BulkAction::Activate => "activate",
        BulkAction::Suspend => "suspend",
        BulkAction::Deactivate => "deactivate",
        BulkAction::ChangeType => "change_type",
    };
    let to = body.data.as_ref().and_then(|data| data.membership_type_id);
    let by = if body.filter.is_some() { "filter" } else { "ids" };
    json!({ "action": action, "membership_type_id": to, "by": by })
}

fn parse(body: BulkBody) -> Result<(BulkTarget, BulkChange), AppError> {
    let BulkBody { action, member_ids, filter, data } = body;
    let target = match (member_ids, filter) {
        (Some(ids), None) if ids.is_empty() => {
            return Err(wrong("member_ids", "required", "must name at least one member"));
        }
        (Some(ids), None) if ids.len() > MAX_IDS => {
            return Err(wrong("member_ids", "too_many", "must name at most 10000 members"));
        }
        (Some(ids), None) => BulkTarget::Ids(ids.into_iter().map(MemberId::from_uuid).collect()),
        (None, Some(filter)) => BulkTarget::Filter(filter.parse()?),
        (None, None) => {
            return Err(wrong("member_ids", "required", "send either `member_ids` or `filter`"));
        }
        (Some(_), Some(_)) => {
            return Err(wrong("filter", "conflict", "send either `member_ids` or `filter`"));
        }
    };
    Ok((target, change(action, data.and_then(|data| data.membership_type_id))?))
}

fn change(action: BulkAction, to: Option<Uuid>) -> Result<BulkChange, AppError> {
    let field = "data.membership_type_id";
    match (action, to) {
        (BulkAction::ChangeType, Some(id)) => Ok(BulkChange::Type(MembershipTypeId::from_uuid(id))),
        (BulkAction::ChangeType, None) => {
            Err(wrong(field, "required", "`change_type` needs the id of a membership type"))
        }
        (_, Some(_)) => Err(wrong(field, "conflict", "only `change_type` takes a membership type")),
        (BulkAction::Activate, None) => Ok(BulkChange::Status(MemberStatus::Active)),
        (BulkAction::Suspend, None) => Ok(BulkChange::Status(MemberStatus::Suspended)),
        (BulkAction::Deactivate, None) => Ok(BulkChange::Status(MemberStatus::Inactive)),
    }
}

fn wrong(field: &'static str, code: &'static str, detail: &'static str) -> AppError {
    Problem::validation(vec![FieldError::new(field, code, detail)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(body: Value) -> Result<(BulkTarget, BulkChange), String> {
        parse(serde_json::from_value(body).unwrap())
            .map_err(|error| error.problem().errors()[0].field.to_string())
    }

    #[test]
    fn members_are_named_by_ids_or_by_a_filter_but_not_by_both() {
        let id = Uuid::nil();
        let (target, change) = read(json!({"action": "suspend", "member_ids": [id]})).unwrap();
        assert_eq!(target, BulkTarget::Ids(vec![MemberId::from_uuid(id)]));
        assert_eq!(change, BulkChange::Status(MemberStatus::Suspended));
        assert!(read(json!({"action": "suspend", "filter": {"status": "active"}})).is_ok());
        let wrong = |body| read(body).unwrap_err();
        assert_eq!(wrong(json!({"action": "suspend"})), "member_ids");
        assert_eq!(wrong(json!({"action": "suspend", "member_ids": []})), "member_ids");
        assert_eq!(wrong(json!({"action": "suspend", "member_ids": [id], "filter": {}})), "filter");
        let many = vec![id; MAX_IDS + 1];
        assert_eq!(wrong(json!({"action": "suspend", "member_ids": many})), "member_ids");
    }

    #[test]
    fn only_a_change_of_type_takes_a_type() {
        let id = Uuid::nil();
        let body = |action, data| json!({"action": action, "filter": {}, "data": data});
        let data = json!({"membership_type_id": id});
        assert!(read(body("change_type", data.clone())).is_ok());
        assert!(read(body("change_type", json!({}))).is_err());
        assert!(read(body("activate", data)).is_err());
    }
}
