use axum::{
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use saas_core::{Clock, Problem, problem::CONTENT_TYPE};
use saas_rbac::require::Granted;
use saas_tenancy::db::TenantDb;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    access::perm::members::Import,
    audit_log::{self, action::MEMBER_IMPORT},
    error::AppError,
    input::{Faults, Invalid},
    members::import::{self, ImportFile, ImportMode, ImportReport},
    routes::extract::{FromParameters, Parameters, Query, content_type_is, read_body},
};

/// Imports members from CSV.
///
/// The first row names the columns: `first_name`, `last_name`, `email`, `membership_type` (by its
/// name), and `status` if it is not `active`. At most 100,000 rows and 16 MiB.
#[utoipa::path(
    post, path = "/members/import", tag = "members", operation_id = "import_members",
    params(
        ("mode" = inline(Option<ImportMode>), Query, description = "`all`, the default, imports nothing if a row is wrong; `partial` imports the rows that are right"),
    ),
    request_body(content = String, content_type = "text/csv", description = "The file, in UTF-8"),
    responses(
        (status = 200, description = "What became of the rows", body = ImportReport),
        (status = 413, description = "The file is larger than 16 MiB"),
        (status = 415, description = "The content type is not `text/csv`"),
        (status = 422, description = "The file or some of its rows are wrong; nothing was imported", body = RefusedImport, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn import(
    State(clock): State<Clock>,
    may: Granted<Import>,
    mut db: TenantDb,
    Query(Mode(mode)): Query<Mode>,
    file: CsvFile,
) -> Result<Response, AppError> {
    let mut tx = db.begin().await?;
    let report = import::import(&mut tx, &may, file.0, mode, &clock).await?;
    if report.imported > 0 {
        let done = json!({ "imported": report.imported, "skipped": report.skipped });
        let tenant = may.tenant();
        audit_log::made(&mut tx, &clock, MEMBER_IMPORT, ("tenant", &tenant), &done).await?;
        tx.commit().await?;
    } else {
        drop(tx);
    }
    if mode == ImportMode::All && !report.errors.is_empty() {
        return Ok(refused(report, db.scope().request().to_string()));
    }
    Ok(axum::Json(report).into_response())
}

/// What happens to the good rows of a file with bad ones.
#[derive(Debug)]
pub(super) struct Mode(ImportMode);

impl FromParameters for Mode {
    fn from_parameters(parameters: &mut Parameters, faults: &mut Faults) -> Option<Self> {
        let mode = parameters.take("mode", faults, |text| match text {
            "all" => Ok(ImportMode::All),
            "partial" => Ok(ImportMode::Partial),
            _ => Err(Invalid::new("invalid_mode", "must be `all` or `partial`")),
        });
        Some(Self(mode.unwrap_or_default()))
    }
}

/// A body of comma-separated values.
#[derive(Debug)]
pub(super) struct CsvFile(ImportFile);

impl<S: Send + Sync> FromRequest<S> for CsvFile {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        check_content_type(request.headers())?;
        let bytes = read_body(request, state).await?;
        // A large file takes longer than the other requests of this thread should wait.
        let parsed = tokio::task::spawn_blocking(move || ImportFile::parse(&bytes)).await;
        let file = parsed.map_err(Problem::internal)?.map_err(Problem::validation)?;
        Ok(Self(file))
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), AppError> {
    if content_type_is(headers, "text/csv") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
        .with_detail("send the file as the body, with `Content-Type: text/csv`")
        .into())
}

/// A problem document with the report in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedImport {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// `import_failed`, or the code of what is wrong with the file as a whole.
    code: &'static str,
    detail: &'static str,
    request_id: String,
    #[serde(flatten)]
    report: ImportReport,
}

fn refused(report: ImportReport, request_id: String) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = RefusedImport {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        code: "import_failed",
        detail: "some rows are wrong, so none was imported; correct them or send `mode=partial`",
        request_id,
        report,
    };
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    let mut response = (status, axum::Json(body)).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}
