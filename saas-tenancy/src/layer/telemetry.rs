//! What operators see of the way from a request to its tenant.
//!
//! Labels of metrics come from closed sets, so that no client and no number of tenants can make
//! new series. The tenant's id is for spans only.

use saas_core::RequestId;
use tracing::{Span, field};

use crate::{error::TenancyError, resolved::ResolvedTenant};

/// The counter of requests by `outcome` and `isolation`.
const REQUESTS: &str = "saas_requests_total";

/// The span field that holds the tenant's id.
const TENANT_ID: &str = "tenant.id";

/// Counts a request, and logs one whose sources disagree: somebody may be trying keys on doors.
pub(super) fn count(admitted: &Result<Option<ResolvedTenant>, TenancyError>, request: RequestId) {
    let isolation = match admitted {
        Ok(Some(tenant)) => tenant.placement.isolation.as_str(),
        _ => "none",
    };
    metrics::counter!(REQUESTS, "outcome" => outcome(admitted), "isolation" => isolation)
        .increment(1);
    if let Err(TenancyError::Conflict(reason)) = admitted {
        tracing::warn!(request.id = %request, reason, "refused a request that names two tenants");
    }
}

/// The span that the rest of the request runs in: it carries the tenant's id unless the current
/// one has room for it.
pub(super) fn span(tenant: Option<&ResolvedTenant>) -> Span {
    let Some(tenant) = tenant else { return Span::none() };
    let current = Span::current();
    if current.has_field(TENANT_ID) {
        current.record(TENANT_ID, field::display(tenant.id));
        return Span::none();
    }
    tracing::info_span!("tenant", tenant.id = %tenant.id)
}

fn outcome(admitted: &Result<Option<ResolvedTenant>, TenancyError>) -> &'static str {
    match admitted {
        Ok(Some(_)) => "served",
        Ok(None) => "no_tenant",
        Err(TenancyError::NotFound) => "not_found",
        Err(TenancyError::Conflict(_)) => "conflict",
        Err(TenancyError::BadAddress(_)) => "bad_address",
        Err(TenancyError::Suspended) => "suspended",
        Err(TenancyError::ReadOnly) => "read_only",
        Err(_) => "unavailable",
    }
}
