use std::path::PathBuf;

use async_trait::async_trait;
use saas_core::{BoxError, Clock};
use tokio::{fs, io::AsyncWriteExt};

use super::AuditSink;
use crate::audit::SealedEntry;

/// Appends entries as JSON lines to a file a day, `audit-2026-11-21.ndjson`, of all tenants together.
///
/// The day is the one on which it hears of an entry, in UTC, so a file of the day before is finished.
#[derive(Debug, Clone)]
pub struct FileSink {
    dir: PathBuf,
    clock: Clock,
}

impl FileSink {
    /// The files in the directory `dir`, which is made when it is first written to.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, clock: Clock) -> Self {
        Self { dir: dir.into(), clock }
    }
}

#[async_trait]
impl AuditSink for FileSink {
    fn name(&self) -> &str {
        "file"
    }

    async fn deliver(&self, entries: &[SealedEntry]) -> Result<(), BoxError> {
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, entry)?;
            text.push(b'\n');
        }
        fs::create_dir_all(&self.dir).await?;
        let day = self.clock.now().format("%Y-%m-%d");
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(self.dir.join(format!("audit-{day}.ndjson"))).await?;
        file.write_all(&text).await?;
        Ok(file.sync_data().await?)
    }
}
