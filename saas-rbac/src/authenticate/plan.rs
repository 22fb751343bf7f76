use std::fmt;

use async_trait::async_trait;
use saas_core::{BoxError, TenantId, permission::PermissionSet};

/// What the plan of a tenant includes.
///
/// It is asked at every request, so it answers from memory.
#[async_trait]
pub trait PlanPermissions: fmt::Debug + Send + Sync + 'static {
    /// The permissions that the plan of `tenant` includes now.
    ///
    /// # Errors
    /// Whatever keeps it from being known. The request is answered 503 then.
    async fn included(&self, tenant: TenantId) -> Result<PermissionSet, BoxError>;
}

/// Every plan has everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct EveryPlan;

#[async_trait]
impl PlanPermissions for EveryPlan {
    async fn included(&self, _tenant: TenantId) -> Result<PermissionSet, BoxError> {
        Ok(PermissionSet::ALL)
    }
}
