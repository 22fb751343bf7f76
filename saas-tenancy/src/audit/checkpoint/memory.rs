use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use saas_core::TenantId;

use super::{CheckpointStore, SignedCheckpoint};
use crate::audit::AuditError;

/// Keeps checkpoints in memory: for tests. They are gone with the process.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<Vec<SignedCheckpoint>>);

impl MemoryCheckpoints {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl CheckpointStore for MemoryCheckpoints {
    async fn append(&self, checkpoint: &SignedCheckpoint) -> Result<(), AuditError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(checkpoint.clone());
        Ok(())
    }

    async fn all(&self, tenant: TenantId) -> Result<Vec<SignedCheckpoint>, AuditError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.iter().filter(|one| one.checkpoint.tenant == tenant).cloned().collect())
    }
}
