use std::path::PathBuf;

use async_trait::async_trait;
use saas_core::TenantId;
use tokio::{fs, io::AsyncWriteExt};

use super::{CheckpointStore, SignedCheckpoint};
use crate::audit::AuditError;

/// Keeps checkpoints in a directory, a file of JSON lines a tenant, that is only added to.
#[derive(Debug, Clone)]
pub struct FileCheckpoints(PathBuf);

impl FileCheckpoints {
    /// The files in the directory `dir`, which is made when it is first written to.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    fn path(&self, tenant: TenantId) -> PathBuf {
        self.0.join(format!("{tenant}.ndjson"))
    }
}

#[async_trait]
impl CheckpointStore for FileCheckpoints {
    async fn append(&self, checkpoint: &SignedCheckpoint) -> Result<(), AuditError> {
        fs::create_dir_all(&self.0).await?;
        let mut line =
            serde_json::to_vec(checkpoint).map_err(|error| AuditError::Io(error.into()))?;
        line.push(b'\n');
        let path = self.path(checkpoint.checkpoint.tenant);
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(path).await?;
        // One write a line: processes that append at once do not mix them.
        file.write_all(&line).await?;
        Ok(file.sync_all().await?)
    }

    async fn all(&self, tenant: TenantId) -> Result<Vec<SignedCheckpoint>, AuditError> {
        let text = match fs::read_to_string(self.path(tenant)).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        // A line that a crash left half written was never kept, so nobody relied on it.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let read = whole.map(serde_json::from_str);
        let read: Result<Vec<SignedCheckpoint>, _> = read.collect();
        let read = read.map_err(|error| AuditError::Io(error.into()))?;
        Ok(read.into_iter().filter(|one| one.checkpoint.tenant == tenant).collect())
    }
}
