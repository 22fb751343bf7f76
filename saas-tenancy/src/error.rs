//! What can go wrong between a request and its tenant's data.

use std::time::Duration;

use saas_core::{BoxError, Problem};

use crate::placement::Isolation;

/// Why a request could not be tied to a tenant, or its data not be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenancyError {
    /// No such tenant. One that the caller may not see looks the same, on purpose.
    #[error("no tenant is served at this address")]
    NotFound,
    /// Two sources of the request name different tenants, or one source names two.
    #[error("the request names more than one tenant: {0}")]
    Conflict(&'static str),
    /// The request's host, path or headers cannot be understood.
    #[error("the request's address is not valid: {0}")]
    BadAddress(&'static str),
    /// The operator stopped the tenant, or it ended.
    #[error("this workspace is suspended; ask its owner or the support to reopen it")]
    Suspended,
    /// The tenant is paused and the request would change something.
    #[error("this workspace is paused and can only be read; resume it to make changes")]
    ReadOnly,
    /// The slug belongs to another tenant, or did once.
    #[error("the name is taken; choose another one")]
    SlugTaken,
    /// The domain belongs to another tenant.
    #[error("the domain is claimed by another workspace")]
    DomainTaken,
    /// Somebody else changed the tenant since it was read.
    #[error("the workspace was changed in the meantime; read it again and repeat the change")]
    Stale,
    /// No connection became free in time. The tenant uses up its share, or the server is busy.
    #[error("the database is busy; try again in a moment")]
    Busy,
    /// A statement that would leave the transaction or its tenant was refused.
    #[error(
        "`{0}` is not allowed on a tenant's transaction: only select, insert, update, delete, merge, values and with are"
    )]
    StatementRefused(String),
    /// The simple protocol was used, which takes several statements at once.
    #[error(
        "`raw_sql` and plain strings are not allowed on a tenant's transaction; use `sqlx::query`"
    )]
    SimpleProtocol,
    /// The server lacks what the isolation needs.
    #[error("a tenant with {isolation} isolation needs {needs}")]
    Unprovisionable {
        /// The wall that was asked for.
        isolation: Isolation,
        /// What is missing and how to supply it.
        needs: &'static str,
    },
    /// The database does not hold the promises the isolation rests on.
    #[error("{0}")]
    Unsafe(String),
    /// The store failed. The cause is logged and never sent.
    #[error("tenant store is unavailable")]
    Store(#[source] BoxError),
    /// A statement failed. The cause is logged and never sent.
    #[error("database request failed")]
    Database(#[source] BoxError),
    /// An extractor of this crate was used outside the layer.
    #[error("cannot extract the tenant: add `TenantLayer` to this router")]
    LayerMissing,
}

impl TenancyError {
    /// Keeps a failure of the store.
    pub fn store(source: impl Into<BoxError>) -> Self {
        Self::Store(source.into())
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::Error> for TenancyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// How long a client should wait after [`TenancyError::Busy`].
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<TenancyError> for Problem {
    fn from(error: TenancyError) -> Self {
        use http::StatusCode as S;
        let (status, code) = match &error {
            TenancyError::NotFound => (S::NOT_FOUND, "tenant_not_found"),
            TenancyError::Conflict(_) => (S::BAD_REQUEST, "tenant_conflict"),
            TenancyError::BadAddress(_) => (S::BAD_REQUEST, "bad_address"),
            TenancyError::Suspended => (S::FORBIDDEN, "tenant_suspended"),
            TenancyError::ReadOnly => (S::FORBIDDEN, "tenant_read_only"),
            TenancyError::SlugTaken => (S::CONFLICT, "slug_taken"),
            TenancyError::DomainTaken => (S::CONFLICT, "domain_taken"),
            TenancyError::Stale => (S::PRECONDITION_FAILED, "stale"),
            TenancyError::Busy => (S::SERVICE_UNAVAILABLE, "busy"),
            TenancyError::Store(_) => (S::SERVICE_UNAVAILABLE, "tenant_store_unavailable"),
            TenancyError::Unprovisionable { .. } => (S::UNPROCESSABLE_ENTITY, "unprovisionable"),
            _ => return Self::internal(error),
        };
        let problem = Self::new(status, code).with_detail(error.to_string());
        if status.is_server_error() { problem.with_source(error) } else { problem }
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for TenancyError {
    fn into_response(self) -> axum_core::response::Response {
        let retry = matches!(self, Self::Busy | Self::Store(_));
        let mut response = Problem::from(self).into_response();
        if retry {
            let seconds = http::HeaderValue::from(RETRY_AFTER.as_secs());
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
        }
        response
    }
}
