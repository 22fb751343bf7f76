//! What operators see of authentication. Labels come from closed sets.

use http::request::Parts;
use saas_core::RequestId;

use super::refused::Refused;

/// The counter of requests by `credential` and `outcome`.
const AUTHENTICATIONS: &str = "saas_authentications_total";

/// Counts a request that goes on.
pub(super) fn passed(credential: &'static str, outcome: &'static str) {
    metrics::counter!(AUTHENTICATIONS, "credential" => credential, "outcome" => outcome)
        .increment(1);
}

/// Counts a request that was refused, and logs why. What is refused for a reason that only an
/// attack or a bug has is logged as a warning.
pub(super) fn refused(parts: &Parts, credential: &'static str, refused: &Refused) {
    let reason = refused.outcome();
    passed(credential, reason);
    let request = parts.extensions.get::<RequestId>();
    let request = request.map(tracing::field::display);
    match reason {
        // The layer that answers problems logs it with its cause.
        "unavailable" | "misconfigured" => {}
        "tenant_mismatch" | "cross_site" | "signature" | "algorithm" => {
            tracing::warn!(request.id = request, reason, credential, "refused a credential");
        }
        _ => tracing::debug!(request.id = request, reason, credential, "refused a credential"),
    }
}
