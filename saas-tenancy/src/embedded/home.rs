//! The directory of one server, and who may see what in it.
//!
//! ```text
//! dir/            of the caller; others may pass through it only when the caller is root
//!   cluster/      of the server's user, closed to others
//!   lock          who uses the directory
//!   password      of the superuser
//!   server.log    of this run, and server.log.1 of the one before
//! ```
//! Root opens nothing by name in a directory of the server's user while the server runs: whoever
//! breaks into the server could lay a link there. A throw-away directory is handed to the server's
//! user whole, so that its supervisor can remove it, but only once root has opened what it needs.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{error::EmbeddedError, user::RunAs};

/// The directory of one server. A throw-away one is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Home {
    dir: PathBuf,
    scratch: Option<TempDir>,
}

impl Home {
    /// Opens the directory, or creates it with what is missing above it.
    pub(super) fn open(dir: &Path, user: &RunAs) -> Result<Self, EmbeddedError> {
        user.can_reach(dir)?;
        if !dir.exists() {
            create(dir, user)?;
        }
        check_ours(dir)?;
        let mode = Permissions::from_mode(mode(user));
        fs::set_permissions(dir, mode).map_err(EmbeddedError::io("set permissions of", dir))?;
        Ok(Self { dir: dir.to_owned(), scratch: None })
    }

    /// A new directory among the temporary ones.
    pub(super) fn throw_away(user: &RunAs) -> Result<Self, EmbeddedError> {
        let parent = std::env::temp_dir();
        user.can_reach(&parent)?;
        let scratch = tempfile::Builder::new()
            .prefix("saas-postgres-")
            .permissions(Permissions::from_mode(mode(user)))
            .tempdir_in(&parent)
            .map_err(EmbeddedError::io("create a directory in", parent))?;
        Ok(Self { dir: scratch.path().to_owned(), scratch: Some(scratch) })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn is_throw_away(&self) -> bool {
        self.scratch.is_some()
    }

    /// Where the server keeps its data.
    pub(super) fn cluster(&self) -> PathBuf {
        cluster_in(&self.dir)
    }

    /// Where the data is made. It gets its final name only when it is complete.
    pub(super) fn new_cluster(&self) -> PathBuf {
        self.dir.join("cluster.new")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    pub(super) fn password(&self) -> PathBuf {
        self.dir.join("password")
    }

    /// Begins the log of this run and keeps the one before.
    pub(super) fn open_log(&self) -> Result<File, EmbeddedError> {
        let log = self.dir.join("server.log");
        match fs::rename(&log, self.dir.join("server.log.1")) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(EmbeddedError::io("rename", log)(error));
            }
            _ => {}
        }
        File::options()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&log)
            .map_err(EmbeddedError::io("create", log))
    }

    /// Writes a file that only its owner can read.
    pub(super) fn write_private(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        remove_file(path)?;
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            if self.is_throw_away() { Ok(()) } else { file.sync_all() }
        };
        write().map_err(EmbeddedError::io("write", path))
    }

    /// Makes renames in the directory last through a power failure.
    pub(super) fn sync(&self) -> Result<(), EmbeddedError> {
        let sync = || File::open(&self.dir)?.sync_all();
        sync().map_err(EmbeddedError::io("write", &self.dir))
    }

    /// Lets the server's user remove a throw-away directory.
    pub(super) fn hand_over(&self, user: &RunAs) -> Result<(), EmbeddedError> {
        if self.is_throw_away() { user.own(&self.dir) } else { Ok(()) }
    }
}

/// Where the data of a server in `dir` is.
pub(super) fn cluster_in(dir: &Path) -> PathBuf {
    dir.join("cluster")
}

/// Refuses a directory of somebody else: files in it could be links that lead the caller astray.
pub(super) fn check_owner(dir: &Path) -> Result<(), EmbeddedError> {
    let owner = match fs::metadata(dir) {
        Ok(metadata) => metadata.uid(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(EmbeddedError::io("read", dir)(error)),
    };
    let caller = rustix::process::geteuid().as_raw();
    let dir = dir.to_owned();
    if owner == caller { Ok(()) } else { Err(EmbeddedError::ForeignOwner { dir, owner, caller }) }
}

/// Removes a file if it is there.
pub(super) fn remove_file(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(EmbeddedError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Refuses a directory with other files in it, whose permissions must not be changed.
fn check_ours(dir: &Path) -> Result<(), EmbeddedError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(EmbeddedError::io("read", dir))? {
        names.push(entry.map_err(EmbeddedError::io("read", dir))?.file_name());
    }
    // A mounted file system has a `lost+found` from the beginning.
    let foreign = names.iter().any(|name| name != "lost+found");
    let ours = names.iter().any(|name| name == "lock");
    if ours || !foreign { Ok(()) } else { Err(EmbeddedError::NotOurs { dir: dir.to_owned() }) }
}

fn create(dir: &Path, user: &RunAs) -> Result<(), EmbeddedError> {
    let mut missing: Vec<&Path> = dir.ancestors().take_while(|part| !part.exists()).collect();
    missing.reverse();
    for part in missing {
        match DirBuilder::new().mode(mode(user)).create(part) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(EmbeddedError::io("create", part)(error));
            }
            _ => {}
        }
        // The process's mask may have taken the right to pass through.
        fs::set_permissions(part, Permissions::from_mode(mode(user)))
            .map_err(EmbeddedError::io("set permissions of", part))?;
    }
    Ok(())
}

/// Closed to others, who can only pass through when the server runs as one of them.
fn mode(user: &RunAs) -> u32 {
    match user {
        RunAs::Caller => 0o700,
        RunAs::Other { .. } => 0o711,
    }
}
