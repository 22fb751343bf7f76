use axum::extract::State;
use chrono::{DateTime, Utc};
use saas_core::{
    Actor, ApiKeyId, AuditEntry, UserId,
    audit::{Action, Changes, Client, Outcome, Target},
};
use saas_tenancy::{
    audit::{AuditLog, Cursor, Filter, LONGEST_PAGE},
    db::TenantDb,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::moment;
use crate::{
    error::AppError,
    input::{Faults, Invalid, line},
    routes::extract::{FromParameters, Parameters, Query},
};

/// How many entries a page has if nothing else is said.
const PAGE: u32 = 50;

/// Some entries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    /// The entries, the newest first.
    entries: Vec<EntryView>,
    /// Where the next page begins; `null` at the end of the log.
    next_cursor: Option<String>,
}

/// Something that was done, or refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    id: Uuid,
    occurred_at: DateTime<Utc>,
    /// Who acted, by `kind`: `user`, `api_key`, `impersonated`, `system`, `anonymous`.
    #[schema(value_type = Object)]
    actor: Actor,
    /// What was done.
    #[schema(value_type = String, example = "member.create")]
    action: Action,
    /// What it was done to: `kind` and `id`.
    #[schema(value_type = Object)]
    target: Target,
    /// What was there `before` and `after`. Secrets are taken out.
    #[schema(value_type = Object)]
    changes: Changes,
    /// `success`, `refused` or `failed`.
    #[schema(value_type = String, example = "success")]
    outcome: Outcome,
    /// Why it was refused, or done.
    reason: Option<String>,
    /// From where: address, device, and the session or key.
    #[schema(value_type = Object)]
    client: Client,
    request_id: Uuid,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.as_uuid(),
            occurred_at: entry.occurred_at,
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            changes: entry.changes,
            outcome: entry.outcome,
            reason: entry.reason,
            client: entry.client,
            request_id: entry.request.as_uuid(),
        }
    }
}

/// Which entries are asked for.
#[derive(Debug)]
pub(super) struct Question {
    filter: Filter,
    after: Option<Cursor>,
    limit: u32,
}

impl FromParameters for Question {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let mut filter = Filter::new();
        if let Some(actor) = parameters.take("actor", faults, actor) {
            filter = filter.by_actor(&actor);
        }
        if let Some(action) = text(parameters, "action", faults) {
            filter = filter.of_action(action);
        }
        if let Some(kind) = text(parameters, "target_kind", faults) {
            filter = filter.on_kind(kind);
        }
        if let Some(id) = text(parameters, "target_id", faults) {
            filter = filter.on_id(id);
        }
        if let Some(outcome) = parameters.take("outcome", faults, outcome) {
            filter = filter.ended(outcome);
        }
        if let Some(from) = moment(parameters, "from", faults) {
            filter = filter.since(from);
        }
        if let Some(to) = moment(parameters, "to", faults) {
            filter = filter.until(to);
        }
        let after = parameters.take("cursor", faults, |text| {
            let detail = "must be the `next_cursor` of the page before";
            text.parse().map_err(|_| Invalid::new("bad_cursor", detail))
        });
        let limit = parameters.take("limit", faults, limit).unwrap_or(PAGE);
        Some(Self { filter, after, limit })
    }
}

fn text(parameters: &mut Parameters, name: &'static str, faults: &mut Faults) -> Option<String> {
    parameters.take(name, faults, |text| line(text, 200).map(str::to_owned))
}

fn limit(text: &str) -> Result<u32, Invalid> {
    let limit = text.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit));
    let detail = || format!("must be a number from 1 to {LONGEST_PAGE}");
    limit.ok_or_else(|| Invalid::new("out_of_range", detail()))
}

fn outcome(text: &str) -> Result<Outcome, Invalid> {
    match text {
        "success" => Ok(Outcome::Success),
        "refused" => Ok(Outcome::Refused),
        "failed" => Ok(Outcome::Failed),
        _ => Err(Invalid::new("invalid_value", "must be `success`, `refused` or `failed`")),
    }
}

/// The id of a person, or `api_key:` with the id of a key, `system:` with a reason, `anonymous`.
fn actor(text: &str) -> Result<Actor, Invalid> {
    let nobody = UserId::from_uuid(Uuid::nil());
    let id = |text: &str| text.parse::<Uuid>().ok();
    let found = match text.split_once(':') {
        None if text == "anonymous" => Some(Actor::Anonymous),
        None => id(text).map(|id| Actor::User { id: UserId::from_uuid(id) }),
        Some(("user", of)) => id(of).map(|id| Actor::User { id: UserId::from_uuid(id) }),
        // The log finds both by the id alone.
        Some(("api_key", of)) => {
            id(of).map(|id| Actor::ApiKey { id: ApiKeyId::from_uuid(id), owner: nobody })
        }
        Some(("impersonated", of)) => {
            id(of).map(|id| Actor::Impersonated { id: UserId::from_uuid(id), by: nobody })
        }
        Some(("system", reason)) => line(reason, 200).ok().map(Actor::system),
        Some(_) => None,
    };
    let detail = "must be the id of a person, `api_key:ID`, `impersonated:ID`, `system:REASON` or \
                  `anonymous`";
    found.ok_or_else(|| Invalid::new("invalid_value", detail))
}

/// Lists what was done, the newest first.
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "list_audit",
    params(
        ("actor" = Option<String>, Query, description = "Who acted: the id of a person, `api_key:ID`, `impersonated:ID`, `system:REASON` or `anonymous`"),
        ("action" = Option<String>, Query, max_length = 200, example = "member", description = "How the action begins"),
        ("target_kind" = Option<String>, Query, max_length = 200, example = "member", description = "The kind of thing it was done to"),
        ("target_id" = Option<String>, Query, max_length = 200, description = "The thing it was done to"),
        ("outcome" = Option<String>, Query, description = "`success`, `refused` or `failed`"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this moment"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this moment"),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "How many; 50 if left out"),
    ),
    responses(
        (status = OK, body = Entries),
        (status = UNPROCESSABLE_ENTITY, description = "A parameter is wrong; `errors` says which"),
    ),
)]
pub(super) async fn list(
    State(audit): State<AuditLog>,
    mut db: TenantDb,
    Query(Question { filter, after, limit }): Query<Question>,
) -> Result<axum::Json<Entries>, AppError> {
    let page = audit.list(&mut db, &filter, after, limit).await?;
    Ok(axum::Json(Entries {
        entries: page.entries.into_iter().map(EntryView::from).collect(),
        next_cursor: page.next.map(|next| next.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_in_every_form_and_no_other() {
        let id = Uuid::from_u128(7);
        assert_eq!(actor(&id.to_string()).unwrap(), Actor::User { id: UserId::from_uuid(id) });
        assert!(matches!(actor(&format!("api_key:{id}")), Ok(Actor::ApiKey { .. })));
        assert_eq!(actor("system:import").unwrap(), Actor::system("import"));
        for wrong in ["", "me", "user:", "api_key:x", "root:1", "system:"] {
            assert!(actor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_is_bounded() {
        assert_eq!(limit("200"), Ok(200));
        for wrong in ["0", "201", "-1", "x", ""] {
            assert_eq!(limit(wrong).unwrap_err().code, "out_of_range", "{wrong}");
        }
    }
}
