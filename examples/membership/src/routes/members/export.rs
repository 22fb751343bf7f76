use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::header;
use saas_core::{BoxError, Clock};
use saas_tenancy::{TenancyError, db::TenantDb};

use super::query::ExportQuery;
use crate::{
    error::AppError,
    members::{Export, MemberError, MemberStatus},
    routes::extract::Query,
};

/// Exports members as CSV.
///
/// The columns `first_name`, `last_name`, `email`, `status` and `membership_type` can be imported
/// again as they are. A cell that a spreadsheet would run as a formula gets an apostrophe in front.
#[utoipa::path(
    get, path = "/members/export", tag = "members", operation_id = "export_members",
    params(
        ("format" = Option<String>, Query, example = "csv", description = "`csv`, which is the default"),
        ("search" = Option<String>, Query, max_length = 200, description = "Text that names or address contain, whatever its case"),
        ("status" = Option<MemberStatus>, Query, description = "Only members who stand so"),
        ("membership_type" = Option<Uuid>, Query, description = "Only members of this type, by its id"),
    ),
    responses(
        (status = 200, description = "The file, as it is made", body = String, content_type = "text/csv"),
        (status = 422, description = "A parameter is wrong; `errors` says which"),
    ),
)]
pub(super) async fn export(
    State(clock): State<Clock>,
    mut db: TenantDb,
    Query(query): Query<ExportQuery>,
) -> Result<Response, AppError> {
    let mut export = Export::new(query.filter);
    // The first piece is made before the answer begins, so that a failure still has a status.
    let first = piece(&mut db, &mut export).await?;
    let rest = stream::try_unfold((db, export), |(mut db, mut export)| async move {
        let piece = piece(&mut db, &mut export).await?;
        Ok::<_, BoxError>(piece.map(|piece| (piece, (db, export))))
    });
    let body = stream::iter(first).map(Ok).chain(rest);
    let name = format!("members-{}.csv", clock.now().format("%Y-%m-%d"));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn piece(db: &mut TenantDb, export: &mut Export) -> Result<Option<Bytes>, PieceError> {
    let mut tx = db.begin().await?;
    Ok(export.next(&mut tx).await?.map(Bytes::from))
}

/// Why a piece could not be made. Behind the first one it breaks the answer off.
#[derive(Debug, thiserror::Error)]
enum PieceError {
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    #[error(transparent)]
    Members(#[from] MemberError),
}

impl From<PieceError> for AppError {
    fn from(error: PieceError) -> Self {
        match error {
            PieceError::Tenancy(error) => error.into(),
            PieceError::Members(error) => error.into(),
        }
    }
}
