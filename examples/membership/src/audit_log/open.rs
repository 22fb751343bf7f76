use std::{fs, path::Path, sync::Arc};

use saas_tenancy::audit::{AuditLog, CheckpointKey, checkpoint::FileCheckpoints};

use crate::{boot::backend::Backend, failure::Failure};

/// The audit logs of the tenants of `backend`. What is signed about them, and the key that signs, is
/// kept in the directory `audit` below `data`, where the database cannot reach it.
///
/// # Errors
/// [`Failure::Other`] when the key cannot be read or made, or others may read it, [`Failure::Io`] when
/// the directory cannot be made.
pub fn open(backend: &Backend, data: &Path) -> Result<AuditLog, Failure> {
    let dir = data.join("audit");
    let made = fs::create_dir_all(&dir);
    made.map_err(Failure::io(format!("make the directory `{}`", dir.display())))?;
    let key = CheckpointKey::load_or_create(&dir.join("signing-key.pem"))
        .map_err(Failure::other("read the key that signs the audit log"))?;
    let (databases, clock) = (backend.databases().clone(), backend.clock().clone());
    let log = AuditLog::new(databases, backend.shared_store(), clock);
    Ok(log.with_checkpoints(key, Arc::new(FileCheckpoints::new(dir.join("checkpoints")))))
}
