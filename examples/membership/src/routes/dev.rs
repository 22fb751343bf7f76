//! What only a demonstration has.

use axum::extract::State;
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::Problem;
use saas_rbac::{mail::Captured, rules::Rule};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    access::ApiRouter,
    auth::Identity,
    error::AppError,
    state::{AppState, Mode},
};

/// The routes below `/dev`.
pub fn router() -> ApiRouter {
    ApiRouter::new().route(Rule::public(), routes!(mail))
}

/// The mail of the demonstration.
#[derive(Debug, Serialize, ToSchema)]
struct Mails {
    /// The mails, the latest first.
    mails: Vec<MailView>,
}

/// A mail that would have been sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mail)]
struct MailView {
    to: String,
    subject: String,
    text: String,
    html: Option<String>,
    sent_at: DateTime<Utc>,
}

impl From<Captured> for MailView {
    fn from(Captured { mail, sent_at, .. }: Captured) -> Self {
        Self { to: mail.to, subject: mail.subject, text: mail.text, html: mail.html, sent_at }
    }
}

/// The mail that a demonstration has kept.
#[utoipa::path(
    get, path = "/dev/mail", tag = "operations", operation_id = "list_mail",
    responses(
        (status = OK, body = Mails),
        (status = NOT_FOUND, description = "This is no demonstration, or it sends its mail"),
    ),
)]
async fn mail(
    State(AppState { identity, mode, .. }): State<AppState>,
) -> Result<axum::Json<Mails>, AppError> {
    let Identity { mailing, postbox, .. } = identity;
    let kept = mailing.kept().filter(|_| mode == Mode::Demo).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_found")
            .with_detail("there is nothing at this address")
    })?;
    // What was just caused shall be seen.
    postbox.flush().await;
    Ok(axum::Json(Mails { mails: kept.list().into_iter().map(MailView::from).collect() }))
}
