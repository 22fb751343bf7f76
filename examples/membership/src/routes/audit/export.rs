use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::stream;
use http::header;
use saas_core::{BoxError, Clock};
use saas_tenancy::{
    audit::{AuditError, AuditLog, Format, Range},
    db::TenantDb,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, DuplexStream},
    task::JoinHandle,
};

use super::moment;
use crate::{
    audit_log::{self, action::AUDIT_EXPORT},
    error::AppError,
    input::{Faults, Invalid},
    routes::extract::{FromParameters, Parameters, Query},
};

/// How much is made ahead of the client's reading, in bytes.
const AHEAD: usize = 64 * 1024;

/// What is exported, and how.
#[derive(Debug)]
pub(super) struct Wanted {
    format: Format,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl FromParameters for Wanted {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let format = parameters.take("format", faults, |text| match text {
            "ndjson" => Ok(Format::JsonLines),
            "csv" => Ok(Format::Csv),
            _ => Err(Invalid::new("invalid_value", "must be `ndjson` or `csv`")),
        });
        let from = moment(parameters, "from", faults);
        let to = moment(parameters, "to", faults);
        Some(Self { format: format.unwrap_or(Format::JsonLines), from, to })
    }
}

/// Takes the log home as a file, oldest entries first.
///
/// As `ndjson` it can be verified later without the application. As `csv` it is for people. That it
/// was taken is an entry of the log, too.
#[utoipa::path(
    get, path = "/audit/export", tag = "audit", operation_id = "export_audit",
    params(
        ("format" = Option<String>, Query, example = "ndjson", description = "`ndjson`, which is the default, or `csv`"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this moment"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this moment"),
    ),
    responses(
        (status = OK, description = "The file, as it is made", content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = UNPROCESSABLE_ENTITY, description = "A parameter is wrong; `errors` says which"),
    ),
)]
pub(super) async fn export(
    State(clock): State<Clock>,
    State(audit): State<AuditLog>,
    mut db: TenantDb,
    Query(Wanted { format, from, to }): Query<Wanted>,
) -> Result<Response, AppError> {
    let (name, content_type) = match format {
        Format::Csv => ("csv", "text/csv; charset=utf-8; header=present"),
        _ => ("ndjson", "application/x-ndjson"),
    };
    let tenant = db.scope().tenant();
    let mut tx = db.begin().await?;
    let what = json!({ "format": name, "from": from, "to": to });
    audit_log::made(&mut tx, &clock, AUDIT_EXPORT, ("audit_log", &tenant), &what).await?;
    tx.commit().await?;
    let mut range = Range::all();
    (range.from, range.to) = (from, to);
    let name = format!("audit-{}.{name}", clock.now().format("%Y-%m-%d"));
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, streamed(audit, db, range, format)).into_response())
}

/// The file as it is made. It ends in an error when it could not be made to its end.
fn streamed(audit: AuditLog, mut db: TenantDb, range: Range, format: Format) -> Body {
    let (reader, mut writer) = tokio::io::duplex(AHEAD);
    // Ends by itself when the client has left: then nobody reads what it writes.
    let made =
        tokio::spawn(
            async move { audit.export(&mut db, range, format, &mut writer).await.map(drop) },
        );
    Body::from_stream(stream::try_unfold(Some((reader, made)), piece))
}

type Export = (DuplexStream, JoinHandle<Result<(), AuditError>>);

async fn piece(export: Option<Export>) -> Result<Option<(Bytes, Option<Export>)>, BoxError> {
    let Some((mut reader, made)) = export else { return Ok(None) };
    let mut bytes = Vec::with_capacity(AHEAD);
    if reader.read_buf(&mut bytes).await? > 0 {
        return Ok(Some((bytes.into(), Some((reader, made)))));
    }
    // The end of what was written is the end of the file only if nothing went wrong.
    made.await??;
    Ok(None)
}
