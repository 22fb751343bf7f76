//! Host names of a tenant's own: `members.acme.example` instead of `acme.app.example`.

use chrono::{DateTime, Utc};
use saas_core::TenantId;
use serde::{Deserialize, Serialize};

use crate::resolve::HostName;

saas_core::id! {
    /// A domain that a tenant claims.
    pub struct DomainId;
}

/// A host name that a tenant claims. It resolves only once its ownership is proven, by a TXT
/// record at `_saas-verify.<name>` that holds the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its identity.
    pub id: DomainId,
    /// The tenant that claims it.
    pub tenant: TenantId,
    /// The host name, normalised.
    pub name: HostName,
    /// What the TXT record must hold.
    pub token: String,
    /// When ownership was proven last; `None` until then.
    pub verified_at: Option<DateTime<Utc>>,
}
